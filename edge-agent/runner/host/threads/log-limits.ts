/**
 * The log limits of the functions in one thread: a number of bytes per second each, so that a flood affects only its
 * own function. The number of dropped lines is logged with the next line that passes.
 */

import type { LogSource } from '../../protocol/channel.ts';
import type { LogEntry } from '../../protocol/stream-wire.ts';
import type { CallFrame, GuestEnvironment } from '../../protocol/wire.ts';
import { createLogLimit, type LogLimit } from './log-limit.ts';

/** Maximum length of a line, in characters. */
const lineLength = 4_096;

/**
 * Number of functions whose limits are kept. A thread has few functions at a time. A limit that is created again starts
 * full.
 */
const kept = 256;

type LogLimits = {
  /** The log entries for this line: none, one, or two when lines before it were dropped. */
  pass(call: Pick<CallFrame, 'environment'>, source: LogSource, text: string): LogEntry[];
};

/** @param now monotonic, in milliseconds */
export function createLogLimits(now: () => number): LogLimits {
  /** By environment, which names the function and its limit; least recently used first. */
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
