/**
 * A function of WASI 0.3 in a thread. It has the interface of a function of 0.2 that waits. It differs in how an
 * instance is made, and in when it has answered.
 *
 * Invariants: every call has an instance of its own, since the state of the glue after a call (tasks, streams) is not
 * known to be clean. When the call has its outcome, nothing of the instance runs any more.
 */
import type { AsyncWorld, Bundle, World } from '@skerry/shared/function/bundle.ts';
import type { CallChannel } from '../../protocol/channel.ts';
import type { CallFrame, GuestEnvironment, RunnerResult } from '../../protocol/wire.ts';
import { Exit } from '../cli/exit.ts';
import type { IncomingRequest } from '../http/messages/incoming-messages.ts';
import type { ResponseOutparam } from '../http/response-outparam.ts';
import { failureOf } from '../instances/failure.ts';
import { createInstance } from '../instances/instance.ts';
import type { LoadedFunction } from '../instances/loaded-function.ts';
import { gluedMaker, type Maker, type Modules } from '../instances/maker.ts';
import { createWasi, type Wasi } from '../wasi/wasi.ts';
import { compileScopedGlue, type ScopedGlue } from './glue.ts';
import { type AsyncHandler, handleWith, httpTypes } from './http-types.ts';
import { createInterfaces } from './interfaces.ts';
import { createPollTimers, type PollTimers } from './poll-timers.ts';
import type { StrayRejections } from './stray-rejections.ts';

type Loaded = {
  readonly world: AsyncWorld;
  readonly exportName: string;
  readonly glue: ScopedGlue;
  readonly modules: Modules;
  readonly strays: StrayRejections;
};

/** Its form in 0.2, chosen by its kind of answer. */
const asOld = {
  'wasi:cli/run@0.3': 'wasi:cli/run',
  'wasi:http/handler@0.3': 'wasi:http/incoming-handler',
} as const satisfies Record<AsyncWorld, World>;

/** @throws SyntaxError when the text is not jco's glue */
export function createAsyncFunction(
  digest: string,
  { world, exportName, glue }: Pick<Bundle, 'exportName' | 'glue'> & { readonly world: AsyncWorld },
  modules: Modules,
  strays: StrayRejections,
): LoadedFunction {
  const loaded = { world, exportName, glue: compileScopedGlue(glue, digest), modules, strays };
  return {
    call: (call, channel) => callOnce(loaded, call, channel),
    makeAhead() {},
    dropAhead() {},
  };
}

async function callOnce(loaded: Loaded, call: CallFrame, channel: CallChannel): Promise<RunnerResult> {
  const { promise: failed, reject: fail } = Promise.withResolvers<never>();
  // The waiter sees this error. Before and after the wait no code looks at it.
  failed.catch(() => {});
  const timers = createPollTimers(fail);
  const world = asOld[loaded.world];
  try {
    const {
      env = {},
      args = [],
      config = {},
      directories = [],
    }: Partial<GuestEnvironment> = JSON.parse(call.environment);
    const wasi = createWasi({ env, args, config, directories, world });
    wasi.begin(channel, call.input, call.outputBytes, fail);
    const make = makerOf(loaded, wasi, timers, { failed, fail });
    return await loaded.strays.during(fail, async () => {
      const instance = await createInstance({ world, make }, wasi);
      return instance.call(call, channel);
    });
  } catch (error) {
    return failureOf(error, [], '');
  } finally {
    timers.stop();
  }
}

type Failing = { readonly failed: Promise<never>; fail(error: unknown): void };

/** An instance's `run` ends when the guest's `run` has ended and all of its output so far has arrived; or it fails. */
function makerOf(
  { world, exportName, glue, modules }: Loaded,
  wasi: Wasi,
  timers: PollTimers,
  { failed, fail }: Failing,
): Maker {
  return async (imports) => {
    const interfaces = createInterfaces(wasi, { moved: timers.wake, fail });
    const make = gluedMaker({ exportName }, glue(timers, fail), modules);
    const made = await make({ ...imports, ...interfaces.imports, ...httpTypes });
    /** Runs the guest, and waits for its output. */
    const runAll = async (start: () => Promise<void>) => {
      // Any import may wait here, also for conditions that the host does not know. So the deadline is watched from the
      // start.
      wasi.signal();
      timers.wake();
      await start();
      await interfaces.settled();
    };
    const race = (start: () => Promise<void>) =>
      Promise.race([runAll(start), failed]).catch(async (error: unknown) => {
        if (error instanceof Exit) await interfaces.settled();
        throw error;
      });
    const exported =
      world === 'wasi:cli/run@0.3'
        ? { run: () => race((made.exported as { run(): Promise<void> }).run) }
        : {
            handle: (request: IncomingRequest, outparam: ResponseOutparam) =>
              race(() => handleWith(made.exported as AsyncHandler, request, outparam, wasi.signal, timers.wake)),
          };
    return { ...made, exported };
  };
}
