/**
 * The last lines that each function has logged on this device, in memory, for `logs` requests of the control plane.
 *
 * Invariants: of one function at most `functionLines` lines and `functionBytes` characters are kept, the newest. Of all
 * functions together at most `allBytes` are kept, and the function that has not logged for longest is evicted first.
 */
import type { LogLine } from '@skerry/shared/tunnel/protocol.ts';

const functionLines = 1_000;
const functionBytes = 256 * 1024;
const allBytes = 8 * 1024 * 1024;
/** The overhead of a line. */
const lineBytes = 128;

export type Logs = {
  add(functionId: string, line: LogLine): void;
  /** The newest lines, at most `limit`, oldest first. */
  last(functionId: string, limit: number): LogLine[];
  forget(functionId: string): void;
};

type Ring = { readonly lines: LogLine[]; bytes: number };

const sizeOf = ({ text }: LogLine): number => text.length + lineBytes;

export function createLogs(): Logs {
  /** Least recently added to first. */
  const rings = new Map<string, Ring>();
  let bytes = 0;

  const forget = (functionId: string) => {
    bytes -= rings.get(functionId)?.bytes ?? 0;
    rings.delete(functionId);
  };
  const dropOldest = (ring: Ring) => {
    const oldest = ring.lines.shift();
    const size = oldest ? sizeOf(oldest) : 0;
    ring.bytes -= size;
    bytes -= size;
  };

  return {
    add(functionId, line) {
      const ring = rings.get(functionId) ?? { lines: [], bytes: 0 };
      rings.delete(functionId);
      rings.set(functionId, ring);
      ring.lines.push(line);
      ring.bytes += sizeOf(line);
      bytes += sizeOf(line);
      while (ring.lines.length > functionLines || ring.bytes > functionBytes) dropOldest(ring);
      for (const [id] of rings) {
        if (bytes <= allBytes || id === functionId) break;
        forget(id);
      }
    },
    last(functionId, limit) {
      return limit <= 0 ? [] : (rings.get(functionId)?.lines.slice(-limit) ?? []);
    },
    forget,
  };
}
