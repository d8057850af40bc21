/**
 * One instance of a component, and the ways in which a call of it ends.
 *
 * Invariants: an instance has one call at a time. A spent instance (`spent`) is never called again. An instance is
 * spent when it threw anything but its own error result, and when it gave no answer (instances of StarlingMonkey answer
 * one request in their life). It is also spent when its call was ended during a wait: the waits end with an error, but
 * the glue loses the error of a function without a result (`pollable.block`), and the guest then stops without an end.
 */
import type { World } from '@skerry/shared/function/bundle.ts';
import type { CallChannel } from '../../protocol/channel.ts';
import type { RunnerResult } from '../../protocol/wire.ts';
import { Exit } from '../cli/exit.ts';
import { createExchange } from '../http/exchange.ts';
import type { IncomingRequest } from '../http/messages/incoming-messages.ts';
import type { ResponseOutparam } from '../http/response-outparam.ts';
import type { Wasi } from '../wasi/wasi.ts';
import { failureOf } from './failure.ts';
import type { Made, Maker } from './maker.ts';

/** A bundle in the form that a thread holds. */
export type LoadedBundle = { readonly world: World; readonly make: Maker };

/** The arguments of a call besides its channel. */
type CallInput = { readonly input: Uint8Array; readonly outputBytes: number };

export type Instance = {
  readonly spent: boolean;
  /** Runs the function once; never throws, never rejects. Returns a promise only when the bundle may suspend. */
  call(call: CallInput, channel: CallChannel): RunnerResult | Promise<RunnerResult>;
  /** Restores the initial state. False when that is impossible; the instance must then be dropped. */
  reset(): boolean;
};

/** Runs the guest, and makes an outcome from its result or from the thrown value. */
type Run = {
  start(call: CallInput, channel: CallChannel): unknown;
  /** @throws any value; it counts as thrown by the guest */
  answer(value: unknown, call: CallInput): RunnerResult;
  /** Undefined when the thrown value is no valid end of a function of this world. */
  refuse(error: unknown): RunnerResult | undefined;
};

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** @throws as `Maker` */
export function createInstance({ world, make }: LoadedBundle, wasi: Wasi): Instance | Promise<Instance> {
  const wrap = (made: Made) => instanceOf(runOf(world, made.exported, wasi), wasi, made);
  const made = make(wasi.imports);
  return made instanceof Promise ? made.then(wrap) : wrap(made);
}

function instanceOf(run: Run, wasi: Wasi, made: Made): Instance {
  let spent = false;
  const refuse = (error: unknown): RunnerResult => {
    const outcome = run.refuse(error);
    if (outcome) return outcome;
    spent = true;
    return failureOf(error, made.cores, wasi.complaints());
  };
  return {
    get spent() {
      return spent;
    },
    call(call, channel) {
      let abandon: ((reason: Error) => void) | undefined;
      const answer = (value: unknown) => {
        try {
          const outcome = run.answer(value, call);
          spent = !outcome.ok && outcome.code === 'function_no_answer';
          return outcome;
        } catch (error) {
          return refuse(error);
        }
      };
      const finish = (outcome: RunnerResult): RunnerResult => {
        wasi.end();
        return outcome;
      };
      wasi.begin(channel, call.input, call.outputBytes, (reason) => abandon?.(reason));
      try {
        const value = run.start(call, channel);
        if (!(value instanceof Promise)) return finish(answer(value));
        return new Promise<RunnerResult>((resolve) => {
          abandon = (reason) => resolve(refuse(reason));
          value.then(answer, refuse).then(resolve);
        }).then(finish);
      } catch (error) {
        return finish(refuse(error));
      }
    },
    reset() {
      if (spent || !made.reset()) return false;
      wasi.renew();
      return true;
    },
  };
}

function runOf(world: World, exported: unknown, wasi: Wasi): Run {
  switch (world) {
    case 'wasi:cli/run':
      return runOfCommand(exported as { run(): unknown }, wasi);
    case 'wasi:http/incoming-handler':
      return runOfHttp(exported as HttpHandler, wasi);
    default:
      return runOfHandler(exported as (input: string) => unknown);
  }
}

function runOfHandler(invoke: (input: string) => unknown): Run {
  return {
    start: ({ input }) => invoke(decoder.decode(input)),
    answer(text, { outputBytes }) {
      const output = encoder.encode(text as string);
      if (output.byteLength <= outputBytes) return { ok: true, output };
      const message = `${output.byteLength} bytes, over ${outputBytes}`;
      return { ok: false, code: 'function_output_too_large', message };
    },
    refuse: (error) =>
      isErrorResult(error) ? { ok: false, code: 'function_error', message: String(error.payload) } : undefined,
  };
}

function runOfCommand({ run }: { run(): unknown }, wasi: Wasi): Run {
  const answer = (): RunnerResult => ({ ok: true, output: wasi.output() });
  return {
    start: () => run(),
    answer,
    refuse(error) {
      const code = isErrorResult(error) ? 1 : error instanceof Exit ? error.code : undefined;
      if (code === undefined) return undefined;
      if (code === 0) return answer();
      const complaints = wasi.complaints().slice(-shownComplaints);
      const message = `exited with code ${code}${complaints === '' ? '' : `: ${complaints}`}`;
      return { ok: false, code: 'function_error', message };
    },
  };
}

type HttpHandler = { handle(request: IncomingRequest, outparam: ResponseOutparam): unknown };

function runOfHttp({ handle }: HttpHandler, wasi: Wasi): Run {
  let exchange: ReturnType<typeof createExchange> | undefined;
  /** Values that are kept between calls would keep the bodies of the calls. */
  const take = () => {
    const taken = exchange;
    exchange = undefined;
    return taken;
  };
  return {
    start(_call, channel) {
      exchange = createExchange(channel, wasi.signal);
      return handle(exchange.request, exchange.outparam);
    },
    answer() {
      const ended = take();
      if (!ended) throw new Error('an answer without a call');
      return ended.returned();
    },
    refuse() {
      take()?.abandoned();
      return undefined;
    },
  };
}

/** Maximum length of stderr in a message, in characters. */
const shownComplaints = 2_000;

/** jco throws the error result of a WIT function as an error with its value in `payload`. */
function isErrorResult(error: unknown): error is { payload: unknown } {
  return error instanceof Error && Object.hasOwn(error, 'payload');
}
