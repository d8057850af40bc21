/**
 * What functions may log from one thread: so many bytes a second each, so that a flood costs the guest and nobody
 * else. What is dropped is told in the log itself, with the next line that passes.
 */

import type { LogSource } from '../../protocol/channel.ts';
import type { LogEntry } from '../../protocol/stream-wire.ts';
import type { CallFrame, GuestEnvironment } from '../../protocol/wire.ts';
import { createLogLimit, type LogLimit } from './log-limit.ts';

/** Characters of a line at most. */
const lineLength = 4_096;

/** Functions whose limits are kept: a thread has few at a time, and a limit that is made anew is a full one. */
const kept = 256;

export type LogLimits = {
  /** What of this line goes to the log, and of what was dropped before it: nothing, one entry or two. */
  pass(call: Pick<CallFrame, 'environment'>, source: LogSource, text: string): LogEntry[];
};

/** @param now monotonic, in milliseconds */
export function createLogLimits(now: () => number): LogLimits {
  /** By environment, which name the function and its limit; least recently used first. */
  const limits = new Map<string, LogLimit>();
  return {
    pass({ environment }, source, text) {
      const limit =
        limits.get(environment) ?? createLogLimit((JSON.parse(environment) as GuestEnvironment).logBytesPerSecond, now);
      limits.delete(environment);
      limits.set(environment, limit);
      for (const oldest of limits.keys()) {
        if (limits.size <= kept) break;
        limits.delete(oldest);
      }
      const line = text.slice(0, lineLength);
      if (!limit.take(line.length)) return [];
      const dropped = limit.takeDropped();
      const entry: LogEntry = { source, text: line };
      return dropped === 0
        ? [entry]
        : [{ source: 'warn', text: `${dropped} lines over the log limit were dropped` }, entry];
    },
  };
}
