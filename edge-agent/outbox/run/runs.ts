/**
 * Runs the events on disk, through the agent's gate: those of one trigger oldest first and at most its `concurrency` at
 * once, those of different triggers in turn.
 *
 * Invariants: an event has its outcome on disk, or runs again, with the same id. An event that waits between two
 * attempts keeps its place, so that with a concurrency of 1 nothing overtakes it. An attempt counts when the function
 * failed, and not when nothing had started, nor when another function ended the runner. Events of a function that is
 * not here wait for it; events of a removed function are dead letters.
 */
import { backoffDelay } from '@skerry/shared/backoff.ts';
import type { Retry } from '@skerry/shared/function/retry.ts';
import type { DesiredFunction, RecordedOutcome } from '@skerry/shared/tunnel/protocol.ts';
import { goneOutcome } from '../storage/gone-outcome.ts';
import type { KeptEvent, PendingOfTrigger } from '../storage/operations.ts';
import { eventSize } from '../storage/rows.ts';
import type { OutboxClient } from '../thread/client.ts';
import type { Counts } from './counts.ts';
import type { EventAttempt } from './event-call.ts';
import type { EventShare } from './share.ts';
import { createTriggerQueue, type TriggerQueue, windowBytes, windowEvents } from './trigger-queue.ts';
import { verdictOn } from './verdict.ts';

export type Runs = {
  /** The file was opened: these are its rows. */
  opened(pending: readonly PendingOfTrigger[]): void;
  /** An event was recorded just now. */
  recorded(event: KeptEvent): void;
  /**
   * Takes the oldest event of a trigger that does not run out of the queue: its number, or the number after which to
   * look.
   */
  giveWay(trigger: string): { readonly seq: number; readonly bytes: number } | { readonly after: number } | undefined;
  /** These have left the file without having run. */
  dropped(trigger: string, seqs: readonly number[]): void;
  /** Events of a trigger are read again: some that had been taken out are still in the file. */
  reread(trigger: string): void;
  /** Looks for events that can run: a function has arrived, or there is room in the file. */
  wake(): void;
  /** Functions other than these must not be here: their events do not begin. */
  keepOnly(functionIds: ReadonlySet<string>): void;
  /** Waiting events of removed functions are no longer in the file. */
  swept(): void;
  /** Numbers of events that run, or wait between two attempts, of removed functions. */
  lastOnes(): number[];
  /** Begins nothing more. Running events go on. */
  stop(): void;
};

type RunsOptions = {
  readonly client: Pick<OutboxClient, 'submit' | 'waiting' | 'waitingBytes' | 'state'>;
  /** Serving functions. */
  readonly functions: ReadonlyMap<string, DesiredFunction>;
  readonly share: EventShare;
  readonly counts: Counts;
  readonly limitBytes: number;
  readonly call: (fn: DesiredFunction, id: string, input: Uint8Array) => Promise<EventAttempt>;
  /** Whether the last loss of the runner with a call of this function in it was most likely this function's fault. */
  readonly isBlamed: (functionId: string) => boolean;
  /** An outcome is on disk. */
  readonly onOutcome: (outcome: RecordedOutcome) => void;
  /** By the device's clock, in milliseconds since the epoch. */
  readonly now: () => number;
  readonly random: () => number;
};

/** Delay of an event that was refused before it started. */
const refusedBackoff = { baseMs: 100, capMs: 10_000 };
/** Milliseconds between two looks whether the runner has room: other calls end, and begin to wait, without notice. */
const lookMs = 10;
/** Most outcomes, by number and bytes, that may wait for the disk; beyond that nothing begins. */
const maxUnwritten = 2_000;
const maxUnwrittenBytes = 16 * 1024 * 1024;
/** Losses of the runner in a row, by other functions, that cost an event no attempt; one more does, so that it ends. */
const maxSpared = 8;

const usualRetry: Retry = { attempts: 3, base_ms: 1_000, cap_ms: 60_000 };

export function createRuns(options: RunsOptions): Runs {
  const { client, functions, share, counts, limitBytes, call, isBlamed, onOutcome, now, random } = options;
  /** By trigger; empty queues are forgotten. */
  const queues = new Map<string, TriggerQueue>();
  const resting = new Set<NodeJS.Timeout>();
  /** All functions that must be here; undefined until the desired state is known. */
  let wanted: ReadonlySet<string> | undefined;
  let stopped = false;
  let looking: NodeJS.Timeout | undefined;

  const isGone = (functionId: string) => wanted !== undefined && !wanted.has(functionId);

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
    if (!queue.more || queue.reading || !queue.hasRoom || stopped || isGone(queue.function)) return;
    queue.reading = true;
    const { trigger, last, resets } = queue;
    client.submit({ do: 'events', trigger, after: last, limit: { rows: windowEvents, bytes: windowBytes } }, (read) => {
      queue.reading = false;
      // Not done: either the file is opened and read again, or the next event tries it again.
      if (!read.done) return later(refusedBackoff.capMs, pump);
      if (resets === queue.resets) queue.fill(read.answer.events, read.answer.more);
      if (read.answer.damaged > 0) counts.add(trigger, 'pending', -read.answer.damaged);
      pump();
    });
  };

  const mayBegin = () =>
    !stopped &&
    client.waiting < maxUnwritten &&
    client.waitingBytes < maxUnwrittenBytes &&
    (client.state === undefined || client.state.bytes < limitBytes);

  /** @returns whether one has begun */
  const beginOne = (queue: TriggerQueue): boolean => {
    const fn = functions.get(queue.function);
    if (!fn || queue.size === 0 || isGone(fn.id) || queue.active.size >= concurrencyOf(fn, queue.trigger)) return false;
    if (!mayBegin()) return false;
    if (!share.mayStart(fn.id)) {
      looking ??= setTimeout(look, lookMs);
      return false;
    }
    const event = queue.next();
    if (!event) return false;
    // Move the queue to the back: round-robin between triggers.
    queues.delete(queue.trigger);
    queues.set(queue.trigger, queue);
    queue.active.add(event.seq);
    const restMs = Math.min(event.notBefore - now(), (fn.retry ?? usualRetry).cap_ms);
    if (restMs > 0) later(restMs, () => attempt(queue, event, patient));
    else attempt(queue, event, patient);
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
      if (queue.size === 0 && !queue.more && queue.active.size === 0 && !queue.reading) queues.delete(queue.trigger);
    }
  }

  /** @param patience the event's history without an attempt that counts */
  async function attempt(queue: TriggerQueue, event: KeptEvent, patience: Patience): Promise<void> {
    const fn = functions.get(queue.function);
    const startedAt = now();
    if (!stopped && isGone(queue.function)) return end(queue, event, goneOutcome(event, startedAt));
    if (stopped || !fn) {
      queue.putBack(event);
      queue.active.delete(event.seq);
      return;
    }
    share.started(fn.id);
    const tried = await call(fn, event.id, event.input);
    share.ended(fn.id, tried.durationUs);
    const { result } = tried;
    const blamed = patience.spared >= maxSpared || isBlamed(fn.id);
    const verdict = result.ok ? 'end' : verdictOn(result.code, { started: tried.started, stopping: stopped, blamed });
    const retry = fn.retry ?? usualRetry;
    if (verdict === 'refused') {
      const refusals = patience.refusals + 1;
      const spared = patience.spared + (tried.started ? 1 : 0);
      const restMs = backoffDelay(refusals, random(), 0, refusedBackoff);
      later(restMs, () => attempt(queue, event, { refusals, spared }));
      return;
    }
    const attempts = event.attempts + 1;
    if (verdict === 'failed' && attempts < retry.attempts) {
      const restMs = backoffDelay(attempts, random(), 0, { baseMs: retry.base_ms, capMs: retry.cap_ms });
      client.submit({ do: 'failed', seq: event.seq, attempts, notBefore: now() + restMs });
      later(restMs, () => attempt(queue, { ...event, attempts }, patient));
      return;
    }
    end(queue, event, outcomeOf(event, fn, tried, { attempts, startedAt, endedAt: Math.max(startedAt, now()) }));
  }

  const end = (queue: TriggerQueue, event: KeptEvent, outcome: RecordedOutcome) => {
    const { trigger, seq, named } = event;
    client.submit({ do: 'end', seq, named, outcome }, (answered) => {
      // It was set aside: there is no outcome of it.
      if (!answered.done) return counts.add(trigger, 'pending', -1);
      counts.add(trigger, 'run');
      if (!outcome.result.ok) counts.add(trigger, 'failed');
      // A row that a damaged file has lost was not counted when the file was opened again.
      if (answered.answer) counts.add(trigger, 'pending', -1);
      onOutcome(outcome);
    });
    queue.active.delete(seq);
    pump();
  };

  return {
    opened(pending) {
      for (const queue of queues.values()) queue.reset();
      for (const { trigger, function: fn } of pending) queueOf(trigger, fn).reset();
      pump();
    },
    recorded(event) {
      // It was on its way to the disk when its function was removed: the sweep of the file comes after it.
      if (isGone(event.function)) return;
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
      wanted = functionIds;
      // Should the function return before the file is swept, the remaining rows are read again.
      for (const queue of queues.values()) if (isGone(queue.function)) queue.reset();
      pump();
    },
    swept() {
      for (const queue of queues.values()) if (isGone(queue.function)) queue.clear();
      pump();
    },
    lastOnes: () => [...queues.values()].flatMap((queue) => (isGone(queue.function) ? [...queue.active] : [])),
    stop() {
      stopped = true;
      clearTimeout(looking);
      for (const timer of resting) clearTimeout(timer);
      resting.clear();
    },
  };
}

function concurrencyOf(fn: DesiredFunction, trigger: string): number {
  // Events of a removed trigger run one at a time: they were recorded and acknowledged.
  return fn.triggers?.find(({ id }) => id === trigger)?.params.concurrency ?? 1;
}

/** An event at its first attempt, and after each one that counts. */
const patient: Patience = { refusals: 0, spared: 0 };
type Patience = {
  /** How often in a row it could not run. */
  readonly refusals: number;
  /** How many of these were losses of the runner by other functions. */
  readonly spared: number;
};

type Times = { readonly attempts: number; readonly startedAt: number; readonly endedAt: number };

function outcomeOf(event: KeptEvent, fn: DesiredFunction, tried: EventAttempt, times: Times): RecordedOutcome {
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
