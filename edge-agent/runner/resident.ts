/** How much memory a process takes. */
import { readFileSync } from 'node:fs';

/** Bytes of a process that are in memory (proc(5), VmRSS); 0 when it is gone or cannot be read. */
export function residentBytes(pid: number): number {
  try {
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
}
