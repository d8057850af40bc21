/**
 * The agent's outbox: events enter and are on disk before they are acknowledged; they run; outcomes stay until the
 * control plane has them. Joins the thread that has the file (outbox/thread/client.ts) with the intake (intake.ts), the
 * runs (outbox/run/runs.ts) and the delivery of outcomes (sending.ts).
 *
 * A device without its own triggers has neither file nor thread.
 */
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Intake } from '@skerry/shared/events/intake.ts';
import type { DesiredFunction, FrameOf, OutboxState, ToControl } from '@skerry/shared/tunnel/protocol.ts';
import type { Logger } from 'pino';
import { createDiskReserve } from '../capabilities/files/disk-reserve.ts';
import { FileRefused } from '../capabilities/files/errno.ts';
import type { CircuitBreaker } from '../invoke/circuit-breaker.ts';
import type { InvocationGate } from '../invoke/invocation-gate.ts';
import type { Runner } from '../runner/calls/call.ts';
import { createIntake, type DiskRoom } from './intake.ts';
import { createCounts, type TriggerCounts } from './run/counts.ts';
import { callForEvent } from './run/event-call.ts';
import { createRuns } from './run/runs.ts';
import { createShare } from './run/share.ts';
import { createSending } from './sending.ts';
import { createSweep } from './sweep.ts';
import { createOutboxClient } from './thread/client.ts';
import { outboxScript } from './thread/script.ts';

export type Outbox = {
  readonly intake: Intake;
  /** Opens the file, if there is an earlier one. */
  start(): void;
  countsFor(trigger: string): TriggerCounts;
  /** Undefined before the first event. */
  state(): OutboxState | undefined;
  /** When its oldest entry arrived, in milliseconds since the epoch; undefined when it is empty. */
  oldest(): number | undefined;
  /** A function was activated or replaced. */
  wake(): void;
  /** The functions that the device must hold: events of others become dead letters. */
  keepOnly(functions: readonly Pick<DesiredFunction, 'id' | 'triggers'>[]): void;
  onUp(welcome: { readonly version: number }): void;
  onDown(): void;
  onRecorded(frame: { readonly batch: number; readonly ok: boolean }): void;
  /** Begins no further event; running ones go on. */
  stop(): void;
  /** Commits pending operations, and closes the file. Resolves with the number that could not be committed in time. */
  close(): Promise<number>;
};

/** Counters of the outbox. */
export type OutboxEvents = {
  onRecorded(): void;
  onDropped(events: number): void;
  /**
   * An outcome is on disk.
   * @param result `ok`, or an error code
   * @param seconds since the event came in, by the device's clock
   */
  onRun(result: string, seconds: number): void;
  onCommit(seconds: number): void;
};

type OutboxOptions = {
  /** Folder of the file. */
  readonly data: string;
  readonly limitBytes: number;
  readonly threads: number;
  readonly functions: ReadonlyMap<string, DesiredFunction>;
  readonly gate: Pick<InvocationGate, 'invoke' | 'credit' | 'cancel' | 'active'>;
  readonly runner: Pick<Runner, 'stats'>;
  readonly circuitBreaker: Pick<CircuitBreaker, 'isBlamed'>;
  readonly send: (frame: FrameOf<ToControl, 'outcomes'>) => void;
  /** Bytes that wait for the tunnel's socket. */
  readonly backlog: () => number;
  readonly events: OutboxEvents;
  readonly log: Logger;
  readonly script?: URL;
  readonly now?: () => number;
  readonly random?: () => number;
};

/** Milliseconds that the last commits may take when the agent ends. */
const closeMs = 5_000;

export function createOutbox(options: OutboxOptions): Outbox {
  const { data, limitBytes, threads, functions, gate, runner, events, log } = options;
  const { now = Date.now, random = Math.random } = options;
  const path = join(data, 'outbox.db');
  const counts = createCounts();
  /** The functions that the device must hold; undefined until the desired state is known. */
  let wanted: ReadonlySet<string> | undefined;
  const share = createShare(threads, runner.stats, () => gate.active);

  const client = createOutboxClient({
    script: options.script ?? outboxScript(),
    path,
    limitBytes,
    log,
    random,
    isNeeded: () => functions.values().some(({ triggers }) => triggers !== undefined && triggers.length > 0),
    onOpened(pending) {
      const byTrigger = new Map<string, number>();
      for (const { trigger, events: some } of pending) byTrigger.set(trigger, (byTrigger.get(trigger) ?? 0) + some);
      counts.setPending(byTrigger);
      runs.opened(pending);
      sending.opened();
    },
    onBatch(commitSeconds) {
      if (commitSeconds !== undefined) events.onCommit(commitSeconds);
      runs.wake();
      intake.look();
    },
  });
  const runs = createRuns({
    client,
    functions,
    share,
    counts,
    limitBytes,
    call: (fn, id, input) => callForEvent(gate, fn, id, input),
    isBlamed: options.circuitBreaker.isBlamed,
    onOutcome({ result, createdAt }) {
      events.onRun(result.ok ? 'ok' : result.code, Math.max(0, now() - createdAt) / 1_000);
      sending.wake();
    },
    now,
    random,
  });
  const sweep = createSweep({
    client,
    runs,
    counts,
    onEnded(trigger, some) {
      log.warn({ trigger, events: some }, 'events of a removed function become dead letters');
      sending.wake();
    },
    now,
  });
  const intake = createIntake({
    client,
    runs,
    counts,
    limitBytes,
    disk: createDiskRoom(data),
    isWanted: (functionId) => wanted?.has(functionId) ?? true,
    onRecorded() {
      events.onRecorded();
      sending.wake();
    },
    onDropped(trigger, some) {
      counts.add(trigger, 'dropped', some);
      events.onDropped(some);
    },
  });
  const sending = createSending({
    client,
    send: options.send,
    backlog: options.backlog,
    liveCalls: () => gate.active - share.running,
    onForgotten: () => intake.look(),
    random,
    now: () => performance.now(),
  });

  return {
    intake,
    start() {
      if (existsSync(path)) client.open();
    },
    countsFor: counts.of,
    state() {
      const { state } = client;
      if (!state) return undefined;
      const { events: waiting, outcomes, bytes, damaged } = state;
      return { events: waiting, outcomes, bytes, limitBytes, dropped: counts.totals.dropped, damaged };
    },
    oldest: () => client.state?.oldest,
    wake: runs.wake,
    keepOnly(desired) {
      const ids = desired.map(({ id }) => id);
      wanted = new Set(ids);
      runs.keepOnly(wanted);
      // The file is empty, and nothing is on its way there.
      if (!existsSync(path) && client.waiting === 0) return;
      const triggers = desired.flatMap((fn) => fn.triggers?.map(({ id }) => id) ?? []);
      sweep.keepOnly(ids, triggers);
    },
    onUp: ({ version }) => sending.onUp(version),
    onDown: sending.onDown,
    onRecorded: ({ batch, ok }) => sending.onRecorded(batch, ok),
    stop() {
      runs.stop();
    },
    async close() {
      sending.stop();
      const left = await client.close(closeMs);
      if (left > 0) log.error({ operations: left }, 'the outbox could not be written to the end');
      return left;
    },
  };
}

/** Room on the disk of the folder. */
function createDiskRoom(folder: string): DiskRoom {
  const reserve = createDiskReserve();
  const device = statSync(folder, { bigint: true }).dev;
  return {
    has: (bytes) => reserve.has(device, folder, { bytes }),
    async take(bytes) {
      try {
        await reserve.take(device, folder, { bytes });
        return true;
      } catch (error) {
        if (error instanceof FileRefused) return false;
        throw error;
      }
    },
  };
}
