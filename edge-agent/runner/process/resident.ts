/** How much memory a process takes, in memory and in swap. */
import { readFileSync } from 'node:fs';

/**
 * Bytes of a process that are in memory, or were moved out of it into swap (proc(5), VmRSS and VmSwap); 0 when it is
 * gone or cannot be read.
 */
export function residentBytes(pid: number): number {
  try {
    return bytesIn(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return 0;
  }
}

/** @param status what the kernel says of a process, one `Name: value` a line */
export function bytesIn(status: string): number {
  const lines = status.matchAll(/^Vm(?:RSS|Swap):\s+(\d+) kB$/gm);
  return lines.reduce((sum, [, kilobytes]) => sum + Number(kilobytes) * 1024, 0);
}
