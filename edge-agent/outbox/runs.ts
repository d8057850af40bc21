/**
 * Runs events that are on disk, through the agent's door: those of one trigger oldest first and at most its
 * `concurrency` at one time, those of different triggers in turn.
 *
 * Invariants: an event has its outcome on disk, or runs again, with the same id; one that rests between two attempts
 * keeps its place, so that with a concurrency of 1 nothing overtakes it; an attempt counts when the function failed,
 * and not when nothing had started. Events of a function that is not here wait until it is.
 */
import { backoffDelay } from '@skerry/shared/backoff.ts';
import type { DesiredFunction, RecordedOutcome } from '@skerry/shared/protocol.ts';
import type { Retry } from '@skerry/shared/retry.ts';
import type { OutboxClient } from './client.ts';
import type { Counts } from './counts.ts';
import type { Attempt } from './event-call.ts';
import type { KeptEvent, PendingOfTrigger } from './operations.ts';
import { eventSize } from './rows.ts';
import type { Share } from './share.ts';
import { createTriggerQueue, type TriggerQueue, windowBytes, windowEvents } from './trigger-queue.ts';
import { verdictOn } from './verdict.ts';

export type Runs = {
  /** The file was opened: this is what it has. */
  opened(pending: readonly PendingOfTrigger[]): void;
  /** An event was recorded just now. */
  recorded(event: KeptEvent): void;
  /** Takes the oldest event of a trigger that does not run out of the queue: its number, or after which one to look. */
  giveWay(trigger: string): { readonly seq: number; readonly bytes: number } | { readonly after: number } | undefined;
  /** These have gone from the file without having run. */
  dropped(trigger: string, seqs: readonly number[]): void;
  /** Events of a trigger are read again: some that had been taken out are still in the file. */
  reread(trigger: string): void;
  /** Looks for what can run: a function has come, or there is room in the file. */
  wake(): void;
  /** Functions other than these have been deleted. */
  keepOnly(functionIds: ReadonlySet<string>): void;
  /** Begins nothing more. What runs goes on. */
  stop(): void;
  readonly active: number;
};

export type RunsOptions = {
  readonly client: Pick<OutboxClient, 'submit' | 'waiting' | 'state'>;
  /** Functions that serve. */
  readonly functions: ReadonlyMap<string, DesiredFunction>;
  readonly share: Share;
  readonly counts: Counts;
  readonly limitBytes: number;
  readonly call: (fn: DesiredFunction, id: string, input: Uint8Array) => Promise<Attempt>;
  /** An outcome is on disk; `failed` when it is not the function's result. */
  readonly onOutcome: (outcome: RecordedOutcome) => void;
  /** By the device's clock, in milliseconds since the epoch. */
  readonly now: () => number;
  readonly random: () => number;
};

/** Rest of an event that was refused before it started. */
const refusedBackoff = { baseMs: 100, capMs: 10_000 };
/** How often is looked whether the runner has room: calls of others end, and begin to wait, without telling. */
const lookMs = 10;
/** Outcomes that may wait for the disk; more, and nothing begins. */
const maxUnwritten = 2_000;

const usualRetry: Retry = { attempts: 3, base_ms: 1_000, cap_ms: 60_000 };

export function createRuns(options: RunsOptions): Runs {
  const { client, functions, share, counts, limitBytes, call, onOutcome, now, random } = options;
  /** By trigger; those that have nothing are forgotten. */
  const queues = new Map<string, TriggerQueue>();
  const resting = new Set<NodeJS.Timeout>();
  let active = 0;
  let stopped = false;
  let looking: NodeJS.Timeout | undefined;

  const queueOf = (trigger: string, functionId: string) => {
    let queue = queues.get(trigger);
    if (!queue) {
      queue = createTriggerQueue(trigger, functionId);
      queues.set(trigger, queue);
    }
    return queue;
  };

  const later = (ms: number, run: () => void) => {
    const timer = setTimeout(() => {
      resting.delete(timer);
      run();
    }, ms);
    resting.add(timer);
  };

  const refill = (queue: TriggerQueue) => {
    if (!queue.more || queue.reading || !queue.hasRoom || stopped) return;
    queue.reading = true;
    const { trigger, last, resets } = queue;
    client.submit({ do: 'events', trigger, after: last, limit: { rows: windowEvents, bytes: windowBytes } }, (read) => {
      queue.reading = false;
      // Not done: the file is opened again, and everything is read again then; or it is tried with the next event.
      if (!read.done) return later(refusedBackoff.capMs, pump);
      if (resets === queue.resets) queue.fill(read.answer.events, read.answer.more);
      if (read.answer.damaged > 0) counts.add(trigger, 'pending', -read.answer.damaged);
      pump();
    });
  };

  const mayBegin = () =>
    !stopped && client.waiting < maxUnwritten && (client.state === undefined || client.state.bytes < limitBytes);

  /** @returns whether one has begun */
  const beginOne = (queue: TriggerQueue): boolean => {
    const fn = functions.get(queue.function);
    if (!fn || queue.size === 0 || queue.active >= concurrencyOf(fn, queue.trigger)) return false;
    if (!mayBegin()) return false;
    if (!share.mayStart(fn.id)) {
      looking ??= setTimeout(look, lookMs);
      return false;
    }
    const event = queue.next();
    if (!event) return false;
    // Whoever had its turn is last in the next round.
    queues.delete(queue.trigger);
    queues.set(queue.trigger, queue);
    queue.active += 1;
    active += 1;
    const restMs = Math.min(event.notBefore - now(), (fn.retry ?? usualRetry).cap_ms);
    if (restMs > 0) later(restMs, () => attempt(queue, event, 0));
    else attempt(queue, event, 0);
    return true;
  };
  const look = () => {
    looking = undefined;
    pump();
  };

  function pump(): void {
    for (let begun = true; begun; ) {
      begun = false;
      for (const queue of [...queues.values()]) if (beginOne(queue)) begun = true;
    }
    for (const queue of queues.values()) {
      refill(queue);
      if (queue.size === 0 && !queue.more && queue.active === 0 && !queue.reading) queues.delete(queue.trigger);
    }
  }

  const free = (queue: TriggerQueue) => {
    queue.active -= 1;
    active -= 1;
  };

  /** @param refusals how often in a row it was refused before it started */
  async function attempt(queue: TriggerQueue, event: KeptEvent, refusals: number): Promise<void> {
    const fn = functions.get(queue.function);
    if (stopped || !fn) {
      queue.putBack(event);
      return free(queue);
    }
    const startedAt = now();
    share.started(fn.id);
    const tried = await call(fn, event.id, event.input);
    share.ended(fn.id, tried.durationUs);
    const { result } = tried;
    const verdict = result.ok ? 'end' : verdictOn(result.code, tried.started, stopped);
    const retry = fn.retry ?? usualRetry;
    if (verdict === 'refused') {
      later(backoffDelay(refusals + 1, random(), 0, refusedBackoff), () => attempt(queue, event, refusals + 1));
      return;
    }
    const attempts = event.attempts + 1;
    if (verdict === 'failed' && attempts < retry.attempts) {
      const restMs = backoffDelay(attempts, random(), 0, { baseMs: retry.base_ms, capMs: retry.cap_ms });
      client.submit({ do: 'failed', seq: event.seq, attempts, notBefore: now() + restMs });
      later(restMs, () => attempt(queue, { ...event, attempts }, 0));
      return;
    }
    end(queue, event, outcomeOf(event, fn, tried, { attempts, startedAt, endedAt: Math.max(startedAt, now()) }));
  }

  const end = (queue: TriggerQueue, event: KeptEvent, outcome: RecordedOutcome) => {
    const { trigger, seq, named } = event;
    client.submit({ do: 'end', seq, named, outcome }, () => {
      counts.add(trigger, outcome.result.ok ? 'run' : 'failed');
      counts.add(trigger, 'pending', -1);
      onOutcome(outcome);
    });
    free(queue);
    pump();
  };

  return {
    opened(pending) {
      for (const queue of queues.values()) queue.reset();
      for (const { trigger, function: fn } of pending) queueOf(trigger, fn).reset();
      pump();
    },
    recorded(event) {
      queueOf(event.trigger, event.function).add(event);
      pump();
    },
    giveWay(trigger) {
      const queue = queues.get(trigger);
      if (!queue) return undefined;
      const event = queue.dropOldest();
      if (event) return { seq: event.seq, bytes: eventSize(event.input) };
      return queue.more ? { after: queue.last } : undefined;
    },
    dropped(trigger, seqs) {
      for (const seq of seqs) queues.get(trigger)?.remove(seq);
    },
    reread: (trigger) => queues.get(trigger)?.reset(),
    wake: pump,
    keepOnly(functionIds) {
      for (const queue of queues.values()) {
        if (functionIds.has(queue.function)) continue;
        while (queue.dropOldest());
        queues.delete(queue.trigger);
      }
    },
    stop() {
      stopped = true;
      clearTimeout(looking);
      for (const timer of resting) clearTimeout(timer);
      resting.clear();
    },
    get active() {
      return active;
    },
  };
}

function concurrencyOf(fn: DesiredFunction, trigger: string): number {
  // Events of a trigger that is no more are run one at a time: they were kept, and have been told yes for.
  return fn.triggers?.find(({ id }) => id === trigger)?.params.concurrency ?? 1;
}

type Times = { readonly attempts: number; readonly startedAt: number; readonly endedAt: number };

function outcomeOf(event: KeptEvent, fn: DesiredFunction, tried: Attempt, times: Times): RecordedOutcome {
  const { id, function: functionId, trigger, origin, createdAt, input } = event;
  const { result, revision } = tried;
  const keepInput = fn.keepInput === true || !result.ok;
  const told = result.ok ? result : { ...result, message: result.message.slice(0, 4_096) };
  return {
    id,
    function: functionId,
    trigger,
    origin,
    revision,
    createdAt,
    ...times,
    ...(keepInput && { input }),
    result: told,
  };
}
