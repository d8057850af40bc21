/**
 * Matches the entries of a new list to the triggers or sinks that a function has. Pure.
 *
 * A matched binding keeps its id, and with it its pending work: deliveries of a sink, the session that a broker keeps
 * for a trigger. So a corrected password, or a changed parameter, costs no pending work.
 */
import { type BrokerAddress, effectivePort } from '@skerry/shared/function/mqtt-broker.ts';
import type { Sink } from '@skerry/shared/function/sinks.ts';
import type { Trigger } from '@skerry/shared/function/triggers.ts';
import type { Binding } from '../model/catalog-function.ts';

/** The match of one entry. `same`: nothing of it changes. `old` absent: it is new. */
type Pair<Spec extends Trigger | Sink> = {
  readonly given: Spec;
  readonly old?: Binding<Spec>;
  readonly same: boolean;
};

/**
 * In the order of the list. Unchanged entries match first, then those with the same place, then those of the same type
 * at the same position.
 *
 * @param isSame compares credentials as well
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
