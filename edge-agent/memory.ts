/** Memory of the device, read at most every `maxAgeMs`: a reading costs more than a small function. */
import { totalmem } from 'node:os';

export type Memory = {
  /** Bytes available to new work: the operating system's value, within the limit of this process. */
  available(): number;
  /** Bytes of the device, or of the limit of this process. */
  readonly total: number;
};

export function createMemory(now: () => number = () => performance.now(), maxAgeMs = 250): Memory {
  let available = process.availableMemory();
  let readAt = now();
  // 0 or more than the machine has: no limit (libuv, uv_get_constrained_memory).
  const limit = process.constrainedMemory();
  const total = limit > 0 ? Math.min(limit, totalmem()) : totalmem();
  return {
    available() {
      if (now() - readAt >= maxAgeMs) {
        available = process.availableMemory();
        readAt = now();
      }
      return available;
    },
    total,
  };
}
