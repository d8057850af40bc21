/**
 * Finds processes that the checks started and that still run at the end. A mark in the environment identifies them:
 * every descendant inherits it, in any session and process group.
 */
import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';

/** Name of the variable that carries the mark. */
export const runMark = 'CHECK_RUN';

/**
 * Ends the processes that still have this mark.
 * @param graceMs time for processes that are just ending
 * @returns `pid command` of each; empty on a system without /proc
 */
export async function endLeftovers(mark: string, graceMs = 3_000): Promise<string[]> {
  const deadline = performance.now() + graceMs;
  let left = await findMarked(mark);
  while (left.length > 0 && performance.now() < deadline) {
    await delay(100);
    left = await findMarked(mark);
  }
  for (const { pid } of left) kill(pid);
  return left.map(({ pid, command }) => `${pid} ${command}`);
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

async function findMarked(mark: string): Promise<{ pid: number; command: string }[]> {
  const entries = await readdir('/proc').catch(() => []);
  const found = await Promise.all(
    entries.map(async (entry) => {
      const pid = Number(entry);
      if (!Number.isInteger(pid) || pid === process.pid) return [];
      const environment = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '');
      if (!environment.split('\0').includes(`${runMark}=${mark}`)) return [];
      const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
      return [{ pid, command: command.replaceAll('\0', ' ').trim() }];
    }),
  );
  return found.flat();
}
