/**
 * Starts the disposable process for one upload. The process may read this project's code and nothing else, and has no
 * environment variables. Each way in which it can end becomes a result or a `SkerryError`.
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
/** The folders and files from which the child loads its code. */
const readablePaths = isBuild
  ? [dirname(script), ...findModuleFolders(script)]
  : ['../../node_modules', '..', '../../shared', '../../package.json'].map(toPath);

/** The folders in which Node looks for the libraries that a script imports. */
function findModuleFolders(path: string): string[] {
  const parent = dirname(path);
  if (parent === path) return [];
  const folder = join(parent, 'node_modules');
  return [...(existsSync(folder) ? [folder] : []), ...findModuleFolders(parent)];
}

/** Maximum length of the child's stderr in an error, in characters. */
const maxStderr = 2_000;
const wasmPageKb = 64;

export function startPrepareProcess(
  request: PrepareRequest,
  { timeoutMs, memoryMb }: { timeoutMs: number; memoryMb: number },
): PrepareProcess {
  const child = spawn(
    process.execPath,
    [
      '--permission',
      // jco runs components of its own, and its host for them starts a thread.
      '--allow-worker',
      ...readablePaths.map((path) => `--allow-fs-read=${path}`),
      '--disable-warning=SecurityWarning',
      '--disable-warning=ExperimentalWarning',
      `--max-old-space-size=${memoryMb}`,
      `--wasm-max-mem-pages=${(memoryMb * 1024) / wasmPageKb}`,
      script,
    ],
    { stdio: ['pipe', 'pipe', 'pipe'], env: {} },
  );
  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    child.kill('SIGKILL');
  }, timeoutMs);
  const exited = new Promise<string>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve(signal ?? String(code)));
  });
  // A child that dies early closes its stdin. Its exit code says more than the broken pipe.
  child.stdin.on('error', () => {});
  child.stdin.end(pack(request));

  const prepared = (async () => {
    try {
      const [end, output, stderr] = await Promise.all([exited, buffer(child.stdout), buffer(child.stderr)]);
      if (timedOut) throw rejected(`it takes more than ${timeoutMs} ms to prepare`);
      if (end !== '0') throw toFailure(end, stderr.toString(), memoryMb);
      const reply: PrepareReply = unpack(output);
      if (!reply.ok) throw new SkerryError(reply.code, reply.message);
      return reply.prepared;
    } finally {
      clearTimeout(timer);
    }
  })();
  return { prepared, kill: () => child.kill('SIGKILL') };
}

/** Interprets an abnormal end. V8 aborts a process that is out of heap. */
function toFailure(end: string, stderr: string, memoryMb: number): SkerryError {
  if (end === 'SIGABRT' || end === '134' || end === 'SIGTRAP' || end === '133') {
    return rejected(`it takes more than ${memoryMb} MiB of memory to prepare`);
  }
  return new SkerryError(
    'internal',
    `the process that prepares the upload ended with ${end}: ${stderr.slice(-maxStderr)}`,
  );
}
