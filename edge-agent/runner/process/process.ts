/**
 * The runner's process. It can read its own script and nothing else: no files, no network, no child processes, no
 * environment. Under memory pressure the kernel ends it first, and the agent stays.
 *
 * Invariant: no output of the process crashes the agent. An invalid frame ends the process, and no later frame of it is
 * read.
 */
import { spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import type { Socket } from 'node:net';
import type { Logger } from 'pino';
import type { HostSettings } from '../host/host.ts';
import { createFrameReader, createFrameWriter } from '../protocol/framing.ts';
import type { RunnerGroup } from './cgroup.ts';

export type RunnerProcess = {
  readonly pid: number | undefined;
  /** Sends the frame together with the other frames of this turn. */
  send(frame: Uint8Array): void;
  /** Ends the process now; `onExit` follows. */
  kill(): void;
};

/** Heap of the main thread, in MiB; threads have limits of their own. */
const heapMb = 256;
/** Maximum length of its stderr in the log, in characters. */
const complaintsLength = 2_000;
/** The kernel ends this process before any other (proc(5), oom_score_adj). */
const firstToGo = '1000';

export function startRunnerProcess(options: {
  script: string;
  settings: HostSettings;
  /** The group of the process, if there is one. */
  group: RunnerGroup | undefined;
  log: Logger;
  /** May throw. The process has then broken its protocol, and is ended. */
  onFrame(content: Buffer): void;
  /**
   * Called once, after the last frame, with the exit code or signal, the violation of the protocol if there was one,
   * and the end of its stderr.
   */
  onExit(end: string): void;
}): RunnerProcess {
  const { script, settings, group, log } = options;
  const child = spawn(
    process.execPath,
    [
      '--permission',
      `--allow-fs-read=${script}`,
      '--allow-worker',
      '--disable-warning=SecurityWarning',
      `--max-old-space-size=${heapMb}`,
      // Heaps here are small. Helper threads for garbage collection would cost more than they save.
      '--single-threaded-gc',
      '--max-semi-space-size=1',
      script,
      JSON.stringify(settings),
    ],
    { stdio: ['ignore', 'ignore', 'pipe', 'pipe'], env: {} },
  );
  const pipe = child.stdio[3] as Socket;
  const send = createFrameWriter((bytes) => pipe.write(bytes));
  const read = createFrameReader(options.onFrame);
  let complaints = '';
  let breach: string | undefined;

  pipe.on('data', (chunk: Buffer) => {
    if (breach !== undefined) return;
    try {
      read(chunk);
    } catch (error) {
      breach = `it broke its protocol: ${error instanceof Error ? error.message : String(error)}`;
      log.error({ err: error, pid: child.pid }, 'the runner broke its protocol');
      child.kill('SIGKILL');
    }
  });
  // The end of the process follows, and says more than the broken pipe.
  pipe.on('error', (error) => log.debug({ err: error }, 'pipe to the runner'));
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    complaints = (complaints + text).slice(-complaintsLength);
  });
  child.once('error', (error) => {
    complaints += error.message;
    // Without a process there is no `close`.
    if (child.pid === undefined) options.onExit('not started');
  });
  child.once('close', (code, signal) => {
    const end = [signal ?? `exit code ${code}`, breach, complaints.trim()];
    options.onExit(end.filter((text) => text).join(': '));
  });
  if (child.pid !== undefined) {
    if (group) join(group, child.pid, log);
    writeFile(`/proc/${child.pid}/oom_score_adj`, firstToGo).catch((error: unknown) => {
      log.debug({ err: error }, 'runner keeps its out-of-memory priority');
    });
  }
  return { pid: child.pid, send, kill: () => child.kill('SIGKILL') };
}

/** A process without its group goes on: the agent measures its memory as well. */
function join(group: RunnerGroup, pid: number, log: Logger): void {
  try {
    group.add(pid);
  } catch (error) {
    log.warn({ err: error }, 'the runner has no memory limit from the operating system');
  }
}
