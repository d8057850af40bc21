/**
 * Measures the start of commands and of the control plane, against Node that does nothing, and the memory of the control
 * plane afterwards. Real processes, in turns. The first turn fills caches and does not count.
 */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { freePort } from '../harness/free-port.ts';
import { startProcess, statusField } from '../harness/process.ts';

/** Medians. */
export type Start = {
  /** Milliseconds of `node -e 0`. */
  readonly node: number;
  /** Milliseconds of `skerry --version` and `skerry fn list`, as scripts/skerry runs them. */
  readonly version: number;
  readonly list: number;
  /** Milliseconds until the control plane is ready, on a Postgres that has its tables. */
  readonly controlPlane: number;
  /** Resident bytes of the control plane afterwards. */
  readonly memory: number;
};

const controlPlaneMain = new URL(import.meta.resolve('@skerry/control-plane/main.ts'));
const skerry = fileURLToPath(new URL('../../scripts/skerry', import.meta.url));
const token = 'sk_bench_of_the_start';
/** Delay before the memory is read, so that garbage of the start can be collected. */
const settleMs = 500;

export async function measureStart(databaseUrl: string, turns = 7): Promise<Start> {
  const folder = mkdtempSync(join(tmpdir(), 'skerry-bench-start-'));
  const runs: Start[] = [];
  try {
    for (let turn = 0; turn <= turns; turn++) {
      const run = await measureOnce(databaseUrl, folder);
      if (turn > 0) runs.push(run);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
  const median = (name: keyof Start) => runs.map((run) => run[name]).sort((a, b) => a - b)[runs.length >> 1] ?? 0;
  return {
    node: median('node'),
    version: median('version'),
    list: median('list'),
    controlPlane: median('controlPlane'),
    memory: median('memory'),
  };
}

async function measureOnce(databaseUrl: string, folder: string): Promise<Start> {
  const port = await freePort();
  const server = `http://127.0.0.1:${port}`;
  const start = performance.now();
  const controlPlane = startProcess(controlPlaneMain, {
    PORT: String(port),
    DATABASE_URL: databaseUrl,
    SKERRY_DATA: folder,
    SKERRY_ADMIN_TOKEN: token,
  });
  try {
    await untilReady(server);
    const ready = performance.now() - start;
    await delay(settleMs);
    const memory = statusField(controlPlane.pid, 'VmRSS') * 1024;
    const connection = { SKERRY_SERVER: server, SKERRY_TOKEN: token };
    return {
      controlPlane: ready,
      memory,
      node: await timeCommand(process.execPath, ['-e', '0']),
      version: await timeCommand(skerry, ['--version']),
      list: await timeCommand(skerry, ['fn', 'list'], connection),
    };
  } finally {
    await controlPlane.stop();
  }
}

async function untilReady(server: string): Promise<void> {
  for (;;) {
    const answer = await fetch(`${server}/readyz`).catch(() => undefined);
    if (answer?.ok) return;
    await delay(5);
  }
}

/** @returns milliseconds from the start of a process to its end @throws Error when it fails */
async function timeCommand(command: string, args: string[], env: Record<string, string> = {}): Promise<number> {
  const start = performance.now();
  await promisify(execFile)(command, args, { env: { ...process.env, ...env } });
  return performance.now() - start;
}
