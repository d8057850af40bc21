/** Memory use of a process, in memory and in swap. */
import { readFileSync } from 'node:fs';

/**
 * Size of a process in memory and in swap, in bytes (proc(5), VmRSS and VmSwap); 0 when the process is gone or cannot
 * be read.
 */
export function residentBytes(pid: number): number {
  try {
    return bytesIn(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return 0;
  }
}

/** @param status the kernel's text on a process, one `Name: value` a line */
export function bytesIn(status: string): number {
  const lines = status.matchAll(/^Vm(?:RSS|Swap):\s+(\d+) kB$/gm);
  return lines.reduce((sum, [, kilobytes]) => sum + Number(kilobytes) * 1024, 0);
}
