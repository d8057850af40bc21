/**
 * A function that needs no glue, in a thread. `fresh` is an instance that no call has had before, made ahead of need;
 * `reuse` is the same instance for as long as it is not spent.
 *
 * Invariant: an instance is reused only for calls with the same surroundings, although it cannot see them: two
 * functions with the same code and different settings share no state.
 */
import type { DirectPlan } from '@skerry/shared/bundle.ts';
import type { CallFrame } from '../wire.ts';
import { DirectInstance } from './direct-instance.ts';
import { failureOf } from './failure.ts';
import type { CallOutcome } from './instance.ts';
import type { LoadedFunction } from './loaded-function.ts';

export function createDirectFunction(
  plan: DirectPlan,
  modules: ReadonlyMap<string, WebAssembly.Module>,
): LoadedFunction {
  let ahead: DirectInstance | undefined;
  let reused: { readonly surroundings: string; readonly instance: DirectInstance } | undefined;
  /** The last call was for a fresh instance and did not fail to get one. */
  let wantsAhead = false;

  const fresh = (): DirectInstance => {
    const instance = ahead ?? new DirectInstance(plan, modules);
    ahead = undefined;
    return instance;
  };

  const take = ({ reuse, surroundings }: CallFrame): DirectInstance => {
    if (!reuse) {
      reused = undefined;
      return fresh();
    }
    if (reused?.surroundings !== surroundings || reused.instance.spent) reused = { surroundings, instance: fresh() };
    return reused.instance;
  };

  return {
    call(call): CallOutcome {
      try {
        wantsAhead = false;
        const instance = take(call);
        wantsAhead = !call.reuse;
        return instance.call(call.input, call.outputBytes);
      } catch (error) {
        return failureOf(error, [], '');
      }
    },
    makeAhead() {
      if (!wantsAhead) return;
      try {
        ahead ??= new DirectInstance(plan, modules);
      } catch {
        // The next call will meet the same, and report it.
        wantsAhead = false;
      }
    },
    dropAhead() {
      ahead = undefined;
    },
  };
}
