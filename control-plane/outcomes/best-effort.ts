/**
 * Outcomes of synchronous calls on their way to the sinks of their functions, in memory until they are on disk, so that
 * no caller waits. There is no further promise: outcomes that are here when the process dies are lost.
 *
 * Bounded by count and bytes. A database that is away is waited for. Of a batch that it refuses, each outcome is tried
 * by itself, and dropped if it is refused again. Outcomes without room are dropped, and so are those left at the end.
 * All dropped outcomes are counted, and logged once until one succeeds again, and at the end.
 */
import { whileAway } from '../db/patience.ts';
import type { Logger } from '../log/log.ts';
import type { EndedInvocation } from '../model/invocation.ts';
import type { Invocations } from '../queue/queue.ts';

export type BestEffortOutcomes = {
  /** Never throws. */
  record(ended: EndedInvocation): void;
  /** Dropped so far. */
  readonly dropped: number;
  readonly waiting: number;
  /** Waits for outcomes in progress, at most for this time. Idempotent. */
  close(withinMs: number): Promise<void>;
};

type LaterRecordsOptions = {
  readonly invocations: Pick<Invocations, 'recordUnpromised'>;
  readonly log: Logger;
  /** In memory at once. */
  readonly maxCount?: number;
  /** Of inputs and outputs. */
  readonly maxBytes?: number;
};

const MiB = 1024 * 1024;
/** Outcomes of one transaction. */
const batch = 500;
const batchBytes = 8 * MiB;

export function createBestEffortOutcomes(options: LaterRecordsOptions): BestEffortOutcomes {
  const { invocations, log, maxCount = 10_000, maxBytes = 64 * MiB } = options;
  const waiting: EndedInvocation[] = [];
  const end = new AbortController();
  let bytes = 0;
  let dropped = 0;
  let dropping = false;
  let working: Promise<void> | undefined;

  const take = (): EndedInvocation[] => {
    let size = 0;
    let count = 0;
    for (const one of waiting) {
      size += countBytes(one);
      if (count > 0 && (count === batch || size > batchBytes)) break;
      count += 1;
    }
    return waiting.slice(0, count);
  };

  const drop = (count: number, error?: unknown) => {
    dropped += count;
    if (!dropping)
      log.error({ err: error, count, waiting: waiting.length, bytes }, 'outcomes are dropped on their way to sinks');
    dropping = true;
  };

  const write = (some: readonly EndedInvocation[]) => whileAway(() => invocations.recordUnpromised(some), end.signal);

  const keep = async (some: readonly EndedInvocation[]): Promise<void> => {
    try {
      await write(some);
      dropping = false;
    } catch (error) {
      await keepEach(some, error);
    }
  };

  /** One faulty outcome must not spoil the others. @param error why they cannot be stored together */
  const keepEach = async (some: readonly EndedInvocation[], error: unknown): Promise<void> => {
    let lost = 0;
    for (const one of some) {
      if (some.length === 1 || end.signal.aborted) lost += 1;
      else
        await write([one]).catch(() => {
          lost += 1;
        });
    }
    if (lost > 0) drop(lost, error);
    else dropping = false;
  };

  const work = async () => {
    while (waiting.length > 0 && !end.signal.aborted) {
      const some = take();
      await keep(some);
      waiting.splice(0, some.length);
      for (const one of some) bytes -= countBytes(one);
    }
    working = undefined;
  };

  return {
    record(ended) {
      const size = countBytes(ended);
      if (waiting.length >= maxCount || bytes + size > maxBytes || end.signal.aborted) return drop(1);
      waiting.push(ended);
      bytes += size;
      working ??= Promise.resolve().then(work);
    },
    get dropped() {
      return dropped;
    },
    get waiting() {
      return waiting.length;
    },
    async close(withinMs) {
      const late = setTimeout(() => end.abort(), withinMs);
      await working;
      clearTimeout(late);
      end.abort();
      const left = waiting.length;
      if (left === 0) return;
      dropping = false;
      drop(left);
      waiting.length = 0;
      bytes = 0;
    },
  };
}

/** With what an outcome costs besides. */
function countBytes({ input, result }: EndedInvocation): number {
  return 512 + (input?.byteLength ?? 0) + (result.ok ? result.output.byteLength : result.message.length);
}
