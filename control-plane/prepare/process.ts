/**
 * One disposable process for one upload. It may read this project's code and nothing else, has no environment, and
 * every way in which it can end becomes a result or a `SkerryError`.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { SkerryError } from '@skerry/shared/errors.ts';
import { pack, unpack } from 'msgpackr';
import type { PrepareReply, PrepareRequest } from './child.ts';
import type { Prepared } from './prepared.ts';
import { rejected } from './wasm/refusal.ts';

export type PrepareProcess = {
  /** Rejects with SkerryError. */
  readonly prepared: Promise<Prepared>;
  kill(): void;
};

const toPath = (path: string) => fileURLToPath(new URL(path, import.meta.url));
/** In a build the script lies beside this code, as one file and those that it shares with the rest. */
const builtScript = toPath('./prepare.mjs');
const isBuild = existsSync(builtScript);
const script = isBuild ? builtScript : toPath('./child.ts');
/** The files that the tools in the child are loaded from. */
const readable = isBuild
  ? [dirname(script), ...findModuleFolders(script)]
  : ['../../node_modules', '..', '../../shared', '../../package.json'].map(toPath);

/** The folders in which Node looks for the libraries that a script imports. */
function findModuleFolders(path: string): string[] {
  const parent = dirname(path);
  if (parent === path) return [];
  const folder = join(parent, 'node_modules');
  return [...(existsSync(folder) ? [folder] : []), ...findModuleFolders(parent)];
}

/** Characters of the child's stderr that go into the error when it fails for no reason of its own. */
const stderrLength = 2_000;
const wasmPageKb = 64;

export function startPrepareProcess(
  request: PrepareRequest,
  { timeoutMs, memoryMb }: { timeoutMs: number; memoryMb: number },
): PrepareProcess {
  const child = spawn(
    process.execPath,
    [
      '--permission',
      // jco's own host of its own components starts a thread.
      '--allow-worker',
      ...readable.map((path) => `--allow-fs-read=${path}`),
      '--disable-warning=SecurityWarning',
      '--disable-warning=ExperimentalWarning',
      `--max-old-space-size=${memoryMb}`,
      `--wasm-max-mem-pages=${(memoryMb * 1024) / wasmPageKb}`,
      script,
    ],
    { stdio: ['pipe', 'pipe', 'pipe'], env: {} },
  );
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    child.kill('SIGKILL');
  }, timeoutMs);
  const exited = new Promise<string>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve(signal ?? String(code)));
  });
  // A child that dies early closes its stdin; how it ended says more than the broken pipe.
  child.stdin.on('error', () => {});
  child.stdin.end(pack(request));

  const prepared = (async () => {
    try {
      const [end, output, complaints] = await Promise.all([exited, buffer(child.stdout), buffer(child.stderr)]);
      if (late) throw rejected(`it takes more than ${timeoutMs} ms to prepare`);
      if (end !== '0') throw failure(end, complaints.toString(), memoryMb);
      const reply: PrepareReply = unpack(output);
      if (!reply.ok) throw new SkerryError(reply.code, reply.message);
      return reply.prepared;
    } finally {
      clearTimeout(timer);
    }
  })();
  return { prepared, kill: () => child.kill('SIGKILL') };
}

/** What an abnormal end means: V8 aborts a process that is out of heap. */
function failure(end: string, complaints: string, memoryMb: number): SkerryError {
  if (end === 'SIGABRT' || end === '134' || end === 'SIGTRAP' || end === '133') {
    return rejected(`it takes more than ${memoryMb} MiB of memory to prepare`);
  }
  return new SkerryError('internal', `preparing ended with ${end}: ${complaints.slice(-stderrLength)}`);
}
