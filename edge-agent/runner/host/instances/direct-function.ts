/**
 * A function without glue, in a thread. `fresh` takes an instance that had no call before, or that was restored to its
 * initial state; both are prepared in advance. `reuse` takes one instance until it is spent.
 *
 * Invariants: an instance that has answered a fresh call is restored before the next one. A reused instance is never
 * restored, and never serves a fresh call. Instances are reused only for calls with the same environment, although they
 * cannot read it: the environment names the function, and two functions share no state.
 */
import type { DirectPlan } from '@skerry/shared/function/bundle.ts';
import type { CallFrame, RunnerResult } from '../../protocol/wire.ts';
import { restore, type Snapshot, takeSnapshot } from '../link/snapshot.ts';
import { DirectInstance } from './direct-instance.ts';
import { failureOf } from './failure.ts';
import type { LoadedFunction } from './loaded-function.ts';

export function createDirectFunction(
  plan: DirectPlan,
  modules: ReadonlyMap<string, WebAssembly.Module>,
): LoadedFunction {
  /**
   * The state of the first instance before any call. All instances begin with the same state, since no input from
   * outside enters them.
   */
  let snapshot: Snapshot | undefined;
  let first = true;
  /** Restored to its initial state. */
  let ahead: DirectInstance | undefined;
  /** Has answered a fresh call. */
  let used: DirectInstance | undefined;
  let reused: { readonly environment: string; readonly instance: DirectInstance } | undefined;
  /** The last call was for a fresh instance, and making the instance did not fail. */
  let wantsAhead = false;

  const create = (): DirectInstance => {
    const instance = new DirectInstance(plan, modules);
    if (first && instance.state) snapshot = takeSnapshot(instance.state);
    first = false;
    return instance;
  };

  const restored = (): DirectInstance | undefined => {
    const instance = used;
    used = undefined;
    if (!instance?.state || instance.spent || !snapshot) return undefined;
    return restore(instance.state, snapshot, instance.slack) ? instance : undefined;
  };

  const fresh = (): DirectInstance => {
    const instance = ahead ?? restored() ?? create();
    ahead = undefined;
    return instance;
  };

  const take = ({ environment }: CallFrame): DirectInstance => {
    if (reused?.environment !== environment || reused.instance.spent) reused = { environment, instance: fresh() };
    return reused.instance;
  };

  return {
    call(call): RunnerResult {
      wantsAhead = false;
      try {
        if (call.reuse) return take(call).call(call.input, call.outputBytes);
        reused = undefined;
        const instance = fresh();
        wantsAhead = true;
        used = instance;
        return instance.call(call.input, call.outputBytes);
      } catch (error) {
        return failureOf(error, [], '');
      }
    },
    makeAhead() {
      if (!wantsAhead) return;
      try {
        ahead ??= restored() ?? create();
      } catch {
        // The next call meets the same error, and reports it.
        wantsAhead = false;
      }
    },
    dropAhead() {
      ahead = undefined;
      used = undefined;
    },
  };
}
