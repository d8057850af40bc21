/**
 * Decides who lost an event that is not in the sink although the broker had acknowledged it to the sensor.
 *
 * mosquitto acknowledges a message and then writes its queue down. A message that it is killed in between for is gone,
 * and that is not our loss. All other losses are: an event counts as lost by the broker only when all evidence says so.
 */
import type { Acknowledgement } from './publisher.ts';
import type { Witness } from './witness.ts';

/** How long before its end the broker may have acknowledged a message that it had not written down, in milliseconds. */
export const brokerWindowMs = 100;

type Evidence = {
  /** Times when the broker was killed, by `performance.now()`, in order. */
  readonly brokerKills: readonly number[];
  readonly witness: Pick<Witness, 'answered' | 'offered'>;
};

type Blame = {
  /**
   * Whether the broker has lost the event: it was killed soon after it had acknowledged the event, the agent never
   * acknowledged the event, and no broker that was started later offered it.
   */
  readonly broker: boolean;
  /** The evidence, in words. */
  readonly why: string;
};

/** @param n number of the event */
export function blameFor(n: number, { at, since }: Acknowledgement, { brokerKills, witness }: Evidence): Blame {
  // The kill that ended the connection on which the sensor got the acknowledgement, perhaps after the kill.
  const kill = brokerKills.find((moment) => moment > since);
  const offered = witness.offered.get(n);
  const answered = witness.answered.has(n);
  const offeredLater = offered !== undefined && kill !== undefined && offered > kill;
  const why = [
    kill === undefined
      ? 'its broker was not killed'
      : `acknowledged ${(kill - at).toFixed(1)} ms before the broker's kill`,
    offered === undefined ? 'never offered to the agent' : `offered to the agent${offeredLater ? ' after it' : ''}`,
    answered ? 'acknowledged by the agent' : 'not acknowledged by the agent',
  ].join(', ');
  return { broker: kill !== undefined && kill - at < brokerWindowMs && !answered && !offeredLater, why };
}
