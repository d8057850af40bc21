/**
 * Ends the processes of a run that was ended itself before it could do so: by SIGKILL, a closed terminal or a fault. The
 * run holds the other end of standard input, which the system closes with the run.
 *
 * Lines of standard input name process groups: `+123` started, `-123` ended. At the end of input, the remaining groups get
 * SIGTERM, and SIGKILL after `graceMs`.
 */
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';

const graceMs = 15_000;
const intervalMs = 100;

const groups = new Set<number>();
for await (const line of createInterface({ input: process.stdin })) {
  const group = Number(line.slice(1));
  if (line.startsWith('+')) groups.add(group);
  else groups.delete(group);
}

for (const group of groups) send(group, 'SIGTERM');
const deadline = performance.now() + graceMs;
while (groups.size > 0 && performance.now() < deadline) {
  await delay(intervalMs);
  for (const group of groups) if (!send(group, 0)) groups.delete(group);
}
for (const group of groups) send(group, 'SIGKILL');

/** @returns whether the group exists */
function send(group: number, signal: NodeJS.Signals | 0): boolean {
  try {
    process.kill(-group, signal);
    return true;
  } catch {
    return false;
  }
}
