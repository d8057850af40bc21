/** Makes the codec of a type. The only place that knows all forms of types. */
import type { ValueType } from '@skerry/shared/function/linked-plan.ts';
import { cases, namedCases, optionalCases, taggedCases } from './cases.ts';
import type { Codec } from './codec.ts';
import { flags, list, record, tuple } from './compounds.ts';
import { borrow, own, primitives } from './scalars.ts';

export function codecFor(type: ValueType): Codec {
  if (typeof type === 'string') return primitives[type];
  if ('list' in type) return list(type.list, codecFor);
  if ('record' in type) return record(type.record, codecFor);
  if ('tuple' in type) return tuple(type.tuple, codecFor);
  if ('variant' in type) {
    const names = type.variant.map(([name]) => name);
    return cases(
      type.variant.map(([, payload]) => payload && codecFor(payload)),
      taggedCases(names),
    );
  }
  if ('enum' in type) {
    return cases(
      type.enum.map(() => null),
      namedCases(type.enum),
    );
  }
  if ('flags' in type) return flags(type.flags);
  if ('option' in type) {
    const nested = typeof type.option !== 'string' && 'option' in type.option;
    return cases([null, codecFor(type.option)], nested ? taggedCases(['none', 'some']) : optionalCases);
  }
  if ('result' in type) {
    return cases(
      type.result.map((payload) => payload && codecFor(payload)),
      taggedCases(['ok', 'err']),
    );
  }
  return 'own' in type ? own(type.own) : borrow(type.borrow);
}
