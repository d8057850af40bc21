/**
 * A function in a thread: chooses the instance for each call. `fresh` is an instance that no call has had before, or one
 * that was put back to where it was before any call, made ahead where possible; `reuse` is one of those that earlier
 * calls have left.
 *
 * Invariants: no instance has two calls at one time. An instance that has answered a fresh call answers another one
 * only after it was reset; one that is reused is never given to a fresh call. Instances are only kept for calls with
 * the same environment (function, environment, arguments, grants); `idleKept` of each kind at most, and one made ahead.
 */
import type { CallChannel } from '../../protocol/channel.ts';
import type { CallFrame, GuestEnvironment, RunnerResult } from '../../protocol/wire.ts';
import { createWasi, type Wasi } from '../wasi/wasi.ts';
import { failureOf } from './failure.ts';
import { createInstance, type Instance, type LoadedBundle } from './instance.ts';

export type LoadedFunction = {
  /** Never throws, never rejects. */
  call(call: CallFrame, channel: CallChannel): RunnerResult | Promise<RunnerResult>;
  /** Makes an instance for the next call like the last one, if that saves time. */
  makeAhead(): void;
  /** Drops the instances that no call has now. */
  dropAhead(): void;
};

type Ready = { readonly wasi: Wasi; readonly instance: Instance };

/** Instances kept beyond those that have a call. */
const idleKept = 8;

export function createLoadedFunction(bundle: LoadedBundle): LoadedFunction {
  let environment: string | undefined;
  let ahead: Ready | undefined;
  let idle: Ready[] = [];
  /** Have answered fresh calls. */
  let used: Ready[] = [];
  /** The last call was for a fresh instance, and making one has worked. */
  let wantsAhead = false;

  const drop = () => {
    ahead = undefined;
    idle = [];
    used = [];
  };

  const create = (prepare?: (wasi: Wasi) => void): Ready | Promise<Ready> => {
    const {
      env = {},
      args = [],
      config = {},
      directories = [],
    }: Partial<GuestEnvironment> = JSON.parse(environment ?? '{}');
    const wasi = createWasi({ env, args, config, directories, world: bundle.world });
    prepare?.(wasi);
    const instance = createInstance(bundle, wasi);
    return instance instanceof Promise ? instance.then((made) => ({ wasi, instance: made })) : { wasi, instance };
  };

  const restored = (): Ready | undefined => {
    for (let next = used.pop(); next; next = used.pop()) {
      if (next.instance.reset()) return next;
    }
    return undefined;
  };

  /** An instance for this call: what its start function does counts as part of the call. */
  const take = (call: CallFrame, channel: CallChannel): Ready | Promise<Ready> => {
    const kept = call.reuse ? idle.pop() : (ahead ?? restored());
    if (!call.reuse) ahead = undefined;
    // What a request adds to the environment must not have been missed.
    if (kept && !(kept.wasi.readEarly && channel.request)) return kept;
    return create((wasi) => wasi.begin(channel, call.input, call.outputBytes, () => {}));
  };

  const keep = (made: Ready, call: CallFrame) => {
    const list = call.reuse ? idle : used;
    const useful = !made.instance.spent && !(call.reuse && bundle.world === 'wasi:cli/run');
    if (useful && call.environment === environment && list.length < idleKept) list.push(made);
  };

  const run = (made: Ready, call: CallFrame, channel: CallChannel) => {
    wantsAhead = !call.reuse;
    const done = made.instance.call(call, channel);
    if (!(done instanceof Promise)) {
      keep(made, call);
      return done;
    }
    return done.then((outcome) => {
      keep(made, call);
      return outcome;
    });
  };

  return {
    call(call, channel) {
      const failed = (error: unknown) => failureOf(error, [], '');
      wantsAhead = false;
      if (call.environment !== environment) drop();
      environment = call.environment;
      try {
        const made = take(call, channel);
        return made instanceof Promise
          ? made.then((ready) => run(ready, call, channel)).catch(failed)
          : run(made, call, channel);
      } catch (error) {
        return failed(error);
      }
    },
    makeAhead() {
      if (!wantsAhead || ahead) return;
      try {
        const made = restored() ?? create();
        if (!(made instanceof Promise)) ahead = made;
      } catch {
        // The next call will meet the same, and report it.
        wantsAhead = false;
      }
    },
    dropAhead: drop,
  };
}
