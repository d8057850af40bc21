/**
 * Decides about retained messages, which a broker sends to a new subscriber. Pure.
 *
 * With MQTT 5, SUBSCRIBE asks the broker not to send them (section 3.8.3.1, retain handling). A broker of 3.1.1 always
 * sends them. The listener then recognises them by their retain flag, which is set only on messages that answer a
 * subscription (3.1.1, section 3.3.1.3).
 *
 * A session that the broker still has counts as subscribed.
 */
import type { BrokerAddress } from '../function/mqtt-broker.ts';
import type { MqttParams } from '../function/triggers.ts';

type SubscriptionPlan = {
  /** True when this connection must send SUBSCRIBE. */
  readonly send: boolean;
  /** Retain handling, for MQTT 5. */
  readonly rh: 0 | 1 | 2;
  /** True when this connection ignores messages with the retain flag. */
  readonly ignoreRetained: boolean;
};

/**
 * @param granted true when this listener was subscribed before
 * @param sessionPresent true when the broker still has the session
 */
export function planSubscription(
  { retained, version }: Pick<MqttParams, 'retained'> & Pick<BrokerAddress, 'version'>,
  granted: boolean,
  sessionPresent: boolean,
): SubscriptionPlan {
  const send = !(granted && sessionPresent);
  if (retained === 'all') return { send, rh: 0, ignoreRetained: false };
  if (retained === 'none') return { send, rh: 2, ignoreRetained: true };
  // A resumed session may still hold retained messages of the first subscription: these are delivered.
  const ignoreRetained = version === '3.1.1' && send && (granted || sessionPresent);
  return { send, rh: granted ? 2 : 1, ignoreRetained };
}
