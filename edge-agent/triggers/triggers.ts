/**
 * The triggers that this device listens to itself: those of its active functions, with or without the control plane.
 * Their events go to the outbox.
 *
 * Invariant: events of each device's own triggers are different events, with ids that no other device makes, also where
 * the sender or the clock gives them the same name.
 */
import { createHash } from 'node:crypto';
import { type Clock, systemClock } from '@skerry/shared/clock.ts';
import type { Intake } from '@skerry/shared/events/intake.ts';
import type { TriggerState } from '@skerry/shared/function/triggers.ts';
import { createListeners } from '@skerry/shared/listen/listeners.ts';
import type { ConnectMqtt } from '@skerry/shared/mqtt/client.ts';
import type { DesiredFunction } from '@skerry/shared/tunnel/protocol.ts';
import type { TriggerCounts } from '../outbox/run/counts.ts';
import { loadMqtt } from './mqtt.ts';

export type Triggers = {
  /** Reads the functions again, once for all changes within a turn of the event loop. */
  follow(): void;
  /** The state of each trigger, in no order. */
  states(): TriggerState[];
  /** No event comes in after this resolves; brokers keep messages for this device. Idempotent. */
  close(): Promise<void>;
};

type TriggersOptions = {
  readonly functions: ReadonlyMap<string, Pick<DesiredFunction, 'id' | 'triggers'>>;
  readonly intake: Intake;
  readonly countsFor: (trigger: string) => TriggerCounts;
  /** The device's public key: brokers tell devices apart by it. */
  readonly publicKey: Uint8Array;
  readonly load?: () => Promise<ConnectMqtt>;
  readonly clock?: Clock;
  readonly random?: () => number;
};

export function createTriggers(options: TriggersOptions): Triggers {
  const { functions, intake, countsFor, load = loadMqtt, clock = systemClock, random = Math.random } = options;
  const device = createHash('sha256').update(options.publicKey).digest('hex');
  const listeners = createListeners({
    intake,
    load,
    clock,
    random,
    device,
    toClientIdPrefix: (trigger) => `skerry-${trigger}-${device.slice(0, 16)}`,
  });
  let closing: Promise<void> | undefined;
  let following: NodeJS.Immediate | undefined;

  const look = () => {
    following = undefined;
    if (closing) return;
    const wanted = [...functions.values()].flatMap(({ id, triggers = [] }) =>
      triggers.filter(({ params }) => params.placement === 'edge').map((trigger) => ({ trigger, function: id })),
    );
    listeners.follow(wanted);
  };

  return {
    follow() {
      if (!following) following = setImmediate(look);
    },
    states: () =>
      [...listeners.ids].flatMap((id) => {
        const state = listeners.state(id);
        if (!state) return [];
        const { run, failed, dropped, pending } = countsFor(id);
        return [{ id, ...state, run, failed, pending, dropped: state.dropped + dropped }];
      }),
    close() {
      closing ??= listeners.close();
      return closing;
    },
  };
}
