/**
 * What becomes of retained messages, which a broker sends when somebody subscribes. Pure.
 *
 * A broker of MQTT 5 is told not to send them (section 3.8.3.1, retain handling). One of 3.1.1 always does, so they are
 * known by their flag, which only those have that answer a subscription (3.1.1, section 3.3.1.3).
 *
 * A session that the broker still has counts as subscribed.
 */
import type { BrokerAddress } from '../function/mqtt-broker.ts';
import type { MqttParams } from '../function/triggers.ts';

export type Subscription = {
  /** Whether SUBSCRIBE is to be sent on this connection. */
  readonly send: boolean;
  /** Retain handling, for MQTT 5. */
  readonly rh: 0 | 1 | 2;
  /** Whether messages with the flag are left out on this connection. */
  readonly leaveOut: boolean;
};

/**
 * @param granted whether this listener was subscribed before
 * @param sessionPresent whether the broker still has our session
 */
export function subscriptionFor(
  { retained, version }: Pick<MqttParams, 'retained'> & Pick<BrokerAddress, 'version'>,
  granted: boolean,
  sessionPresent: boolean,
): Subscription {
  const send = !(granted && sessionPresent);
  if (retained === 'all') return { send, rh: 0, leaveOut: false };
  if (retained === 'none') return { send, rh: 2, leaveOut: true };
  // Those of the first subscription may still be on their way in a session that was resumed.
  const leaveOut = version === '3.1.1' && send && (granted || sessionPresent);
  return { send, rh: granted ? 2 : 1, leaveOut };
}
