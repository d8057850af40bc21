/**
 * Holds each function to its log limit on this agent. The runner's threads do so as well, each for itself, before
 * anything crosses the pipe; together they may let through more than the function's limit.
 */
import type { DesiredFunction } from '@skerry/shared/tunnel/protocol.ts';
import { createLogLimit, type LogLimit } from '../runner/host/threads/log-limit.ts';
import type { LogEntry } from '../runner/protocol/stream-wire.ts';

type LogGate = {
  /** The entry, after a line about dropped ones before it; nothing when it is over the limit. */
  pass(fn: Pick<DesiredFunction, 'id' | 'grants'>, entry: LogEntry): LogEntry[];
  forget(functionId: string): void;
};

/** @param now monotonic, in milliseconds */
export function createLogGate(now: () => number): LogGate {
  const limits = new Map<string, { readonly rate: number; readonly limit: LogLimit }>();
  return {
    pass({ id, grants }, entry) {
      const rate = grants.log_bytes_per_second;
      let known = limits.get(id);
      if (known?.rate !== rate) {
        known = { rate, limit: createLogLimit(rate, now) };
        limits.set(id, known);
      }
      if (!known.limit.take(entry.text.length)) return [];
      const dropped = known.limit.takeDropped();
      const word: LogEntry = { source: 'warn', text: `${dropped} lines over the log limit were dropped` };
      return dropped === 0 ? [entry] : [word, entry];
    },
    forget: (functionId) => void limits.delete(functionId),
  };
}
