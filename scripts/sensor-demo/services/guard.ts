/**
 * Ends what a run has started when the run itself is gone without having done so, whatever ended it: SIGKILL, a closed
 * terminal, a fault. The run holds the other end of standard input, and the system closes it for the dead.
 *
 * Standard input says in lines which process groups there are: `+123` started, `-123` ended. At its end, all that are
 * left get SIGTERM, and SIGKILL when they are still there after `graceMs`.
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

/** @returns whether there is such a group */
function send(group: number, signal: NodeJS.Signals | 0): boolean {
  try {
    process.kill(-group, signal);
    return true;
  } catch {
    return false;
  }
}
