/**
 * A function in a thread: chooses the instance for each call. `fresh` takes an instance that had no call before, or
 * that was restored to its initial state; it is prepared in advance where possible. `reuse` takes one of the instances
 * that earlier calls have left.
 *
 * Invariants: no instance has two calls at the same time. An instance that has answered a fresh call is reset before
 * the next one. A reused instance never serves a fresh call. Instances are kept only for calls with the same
 * environment (function, environment, arguments, grants): at most `idleKept` of each kind, and one prepared in advance.
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
  /** Drops the instances without a call. */
  dropAhead(): void;
};

type Ready = { readonly wasi: Wasi; readonly instance: Instance };

/** Maximum number of kept instances besides those with a call. */
const idleKept = 8;

export function createLoadedFunction(bundle: LoadedBundle): LoadedFunction {
  let environment: string | undefined;
  let ahead: Ready | undefined;
  let idle: Ready[] = [];
  /** Instances that have answered fresh calls. */
  let used: Ready[] = [];
  /** The last call was for a fresh instance, and making one has succeeded. */
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

  /** Makes the instance within this call: the time of its start function counts as part of the call. */
  const take = (call: CallFrame, channel: CallChannel): Ready | Promise<Ready> => {
    const kept = call.reuse ? idle.pop() : (ahead ?? restored());
    if (!call.reuse) ahead = undefined;
    // The guest must see the environment values that the request adds.
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
        // The next call meets the same error, and reports it.
        wantsAhead = false;
      }
    },
    dropAhead: drop,
  };
}
