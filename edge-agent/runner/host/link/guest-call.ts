/**
 * A function of the guest that the host calls: lowers the arguments, calls, lifts the result, lets the guest clean up.
 */
import type { LinkedPlan } from '@skerry/shared/function/linked-plan.ts';
import { type Context, type CoreValue, CoreValues } from './codec.ts';
import { codecFor } from './types.ts';

/** Number of core values beyond which arguments go through memory (CanonicalABI.md, MAX_FLAT_PARAMS). */
const maxFlatParams = 16;

type Core = (...values: CoreValue[]) => CoreValue | undefined | Promise<CoreValue | undefined>;

/** The error result of a function. It has the shape of jco's error. */
export class ErrorResult extends Error {
  readonly payload: unknown;

  constructor(payload: unknown) {
    super('the function returned an error');
    this.name = 'ErrorResult';
    this.payload = payload;
  }
}

type GuestCall = (
  context: Context,
  core: Core,
  postReturn: ((...values: CoreValue[]) => void) | undefined,
  args: readonly unknown[],
) => unknown;

/** @throws Error when the arguments of the type do not fit in core values: no accepted world has such a function */
export function prepareGuestCall({ type }: LinkedPlan['entry']): GuestCall {
  const params = type.params.map(codecFor);
  if (params.reduce((sum, codec) => sum + codec.flat.length, 0) > maxFlatParams) throw new Error('too many arguments');
  const result = type.result === null ? undefined : codecFor(type.result);
  const fallible = type.result !== null && typeof type.result !== 'string' && 'result' in type.result;

  const read = (context: Context, value: CoreValue | undefined): unknown => {
    if (!result) return undefined;
    context.memory.beginValues();
    if (result.flat.length <= 1) return result.lift(context, new CoreValues(value === undefined ? [] : [value]));
    const at = Number(value) >>> 0;
    context.memory.check(at, result.size, result.alignment);
    return result.load(context, at);
  };

  return (context, core, postReturn, args) => {
    const values: CoreValue[] = [];
    for (const [index, codec] of params.entries()) codec.lower(context, args[index], values);
    const finish = (value: CoreValue | undefined): unknown => {
      const lifted = read(context, value);
      // Takes the function's result, which may be absent.
      if (value === undefined) postReturn?.();
      else postReturn?.(value);
      if (!fallible) return lifted;
      const { tag, val } = lifted as { tag: string; val?: unknown };
      if (tag === 'ok') return val;
      throw new ErrorResult(val);
    };
    const returned = core(...values);
    return returned instanceof Promise ? returned.then(finish) : finish(returned);
  };
}
