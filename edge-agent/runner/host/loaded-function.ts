/**
 * A function in a thread: chooses the instance for each call. `fresh` is an instance that no call has had before,
 * made ahead where possible; `reuse` is the same instance for as long as it is not spent.
 *
 * Invariant: instances are only kept for calls with the same surroundings (environment and arguments).
 */
import type { CallFrame, Surroundings } from '../wire.ts';
import { failureOf } from './failure.ts';
import { type CallOutcome, createInstance, type Instance, type LoadedBundle } from './instance.ts';
import { createWasi } from './wasi.ts';

export type LoadedFunction = {
  /** Never throws, never rejects. */
  call(call: CallFrame): CallOutcome | Promise<CallOutcome>;
  /** Makes an instance for the next call like the last one, if that saves time. */
  makeAhead(): void;
  /** Drops the instance made ahead. */
  dropAhead(): void;
};

type Kept = { readonly surroundings: string; readonly instance: Instance };

const nothing = new Uint8Array(0);

export function createLoadedFunction(bundle: LoadedBundle): LoadedFunction {
  /** A command reads its input from the instance's stdin, and one that may suspend is not made in one go. */
  const keeps = bundle.world === 'skerry:function/handler' && bundle.mode === 'plain';
  let ahead: Kept | undefined;
  let reused: Kept | undefined;
  let last: Pick<CallFrame, 'surroundings' | 'outputBytes'> | undefined;

  const create = (surroundings: string, stdin: Uint8Array, outputBytes: number) => {
    const { env, args }: Surroundings = JSON.parse(surroundings);
    return createInstance(bundle, createWasi({ env, args, stdin, outputBytes }));
  };

  const take = ({ surroundings, input, outputBytes, reuse }: CallFrame): Instance | Promise<Instance> => {
    if (reuse && reused?.surroundings === surroundings && !reused.instance.spent) return reused.instance;
    if (ahead?.surroundings === surroundings) {
      const { instance } = ahead;
      ahead = undefined;
      return instance;
    }
    return create(surroundings, bundle.world === 'wasi:cli/run' ? input : nothing, outputBytes);
  };

  const run = (instance: Instance, { surroundings, input, outputBytes, reuse }: CallFrame) => {
    reused = reuse ? { surroundings, instance } : undefined;
    return instance.call(input, outputBytes);
  };

  return {
    call(call) {
      const failed = (error: unknown) => failureOf(error, [], '');
      last = keeps && !call.reuse ? call : undefined;
      try {
        const instance = take(call);
        return instance instanceof Promise
          ? instance.then((made) => run(made, call)).catch(failed)
          : run(instance, call);
      } catch (error) {
        return failed(error);
      }
    },
    makeAhead() {
      if (!last || ahead?.surroundings === last.surroundings) return;
      try {
        const instance = create(last.surroundings, nothing, last.outputBytes);
        if (!(instance instanceof Promise)) ahead = { surroundings: last.surroundings, instance };
      } catch {
        // The next call will meet the same, and report it.
        last = undefined;
      }
    },
    dropAhead() {
      ahead = undefined;
    },
  };
}
