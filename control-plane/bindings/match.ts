/**
 * Which of the triggers or sinks that a function has are meant by those of a new list. Pure.
 *
 * What is meant keeps its id, and with it what is on its way: deliveries that wait for a sink, the session that a broker
 * keeps for a trigger. So a password that is corrected, or a parameter that changes, costs nothing of it.
 */
import { type BrokerAddress, effectivePort } from '@skerry/shared/function/mqtt-broker.ts';
import type { Sink } from '@skerry/shared/function/sinks.ts';
import type { Trigger } from '@skerry/shared/function/triggers.ts';
import type { Binding } from '../model/catalog-function.ts';

/** What one of a list means. `same`: nothing of it changes. `old` absent: it is new. */
export type Pair<Spec extends Trigger | Sink> = {
  readonly given: Spec;
  readonly old?: Binding<Spec>;
  readonly same: boolean;
};

/**
 * In the order of the list. First come those that are the same, then those of the same place, then those of the same
 * type that stand where the old one stands.
 *
 * @param isSame also as to credentials
 */
export function pairUp<Spec extends Trigger | Sink>(
  there: readonly Binding<Spec>[],
  list: readonly Spec[],
  isSame: (old: Binding<Spec>, given: Spec) => boolean,
): Pair<Spec>[] {
  const pairs = new Map<number, Pair<Spec>>();
  const left = new Map(there.entries());
  const pass = (same: boolean, fits: (old: Binding<Spec>, given: Spec, inPlace: boolean) => boolean) => {
    for (const [at, given] of list.entries()) {
      if (pairs.has(at)) continue;
      for (const [from, old] of left) {
        if (!fits(old, given, at === from)) continue;
        left.delete(from);
        pairs.set(at, { given, old, same });
        break;
      }
    }
  };
  pass(true, isSame);
  pass(false, (old, given) => placeOf(old.spec) === placeOf(given));
  pass(false, (old, given, inPlace) => inPlace && old.spec.type === given.type);
  return list.map((given, at) => pairs.get(at) ?? { given, same: false });
}

function placeOf(spec: Trigger | Sink): string {
  return JSON.stringify([spec.type, ...partsOf(spec.params)]);
}

function partsOf(params: Trigger['params'] | Sink['params']): unknown[] {
  if ('cron' in params) return [params.cron, params.timezone];
  if ('topic' in params)
    return [params.host, effectivePort(params as Pick<BrokerAddress, 'port' | 'tls'>), params.topic];
  return [params.url, 'database' in params ? params.database : undefined];
}
