/**
 * One instance of a component, and how a call of it ends.
 *
 * Invariant: an instance that threw anything but its own error result is spent (`spent`), and is never called again.
 */
import type { Bundle } from '@skerry/shared/bundle.ts';
import type { ResultFrame } from '../wire.ts';
import { failureOf } from './failure.ts';
import type { Instantiate } from './glue.ts';
import type { Wasi } from './wasi.ts';

/** A bundle as a thread holds it: glue made a function, modules compiled. */
export type LoadedBundle = Pick<Bundle, 'world' | 'exportName' | 'mode'> & {
  readonly instantiate: Instantiate;
  readonly modules: ReadonlyMap<string, WebAssembly.Module>;
};

export type CallOutcome = ResultFrame['result'];

export type Instance = {
  readonly spent: boolean;
  /** Runs the function once; never throws, never rejects. A promise only when the bundle may suspend. */
  call(input: Uint8Array, outputBytes: number): CallOutcome | Promise<CallOutcome>;
};

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** @throws whatever instantiating throws: RangeError when there is no memory, RuntimeError for a trap at start */
export function createInstance(bundle: LoadedBundle, wasi: Wasi): Instance | Promise<Instance> {
  const cores: WebAssembly.Instance[] = [];
  const made = bundle.instantiate(
    (name) => {
      const module = bundle.modules.get(name);
      if (!module) throw new Error(`the bundle has no core module ${name}`);
      return module;
    },
    wasi.imports,
    (module, imports) => {
      const core = new WebAssembly.Instance(module, imports);
      cores.push(core);
      return core;
    },
  );
  const wrap = (exports: Record<string, unknown>) =>
    bundle.world === 'wasi:cli/run'
      ? commandInstance(exports[bundle.exportName] as { run(): unknown }, wasi, cores)
      : handlerInstance(exports[bundle.exportName] as (input: string) => unknown, wasi, cores);
  return made instanceof Promise ? made.then(wrap) : wrap(made);
}

function handlerInstance(invoke: (input: string) => unknown, wasi: Wasi, cores: WebAssembly.Instance[]): Instance {
  let spent = false;
  const answer = (text: unknown, outputBytes: number): CallOutcome => {
    const output = encoder.encode(text as string);
    if (output.byteLength <= outputBytes) return { ok: true, output };
    return { ok: false, code: 'function_output_too_large', message: `${output.byteLength} bytes, over ${outputBytes}` };
  };
  const refuse = (error: unknown): CallOutcome => {
    if (isErrorResult(error)) return { ok: false, code: 'function_error', message: String(error.payload) };
    spent = true;
    return failureOf(error, cores, wasi.complaints());
  };
  return {
    get spent() {
      return spent;
    },
    call(input, outputBytes) {
      try {
        const text = invoke(decoder.decode(input));
        if (!(text instanceof Promise)) return answer(text, outputBytes);
        return text.then((value) => answer(value, outputBytes), refuse);
      } catch (error) {
        return refuse(error);
      }
    },
  };
}

/** A command runs once: `spent` from the start. Its input and output limits are in its `Wasi`. */
function commandInstance({ run }: { run(): unknown }, wasi: Wasi, cores: WebAssembly.Instance[]): Instance {
  const finish = (): CallOutcome => ({ ok: true, output: wasi.output() });
  const refuse = (error: unknown): CallOutcome => {
    const code = isErrorResult(error) ? 1 : exitCode(error);
    if (code === 0) return finish();
    const complaints = wasi.complaints();
    if (code === undefined) return failureOf(error, cores, complaints);
    return {
      ok: false,
      code: 'function_error',
      message: `exited with code ${code}${complaints === '' ? '' : `: ${complaints.slice(-shownComplaints)}`}`,
    };
  };
  return {
    spent: true,
    call() {
      try {
        const done = run();
        return done instanceof Promise ? done.then(finish, refuse) : finish();
      } catch (error) {
        return refuse(error);
      }
    },
  };
}

/** Characters of stderr in a message. */
const shownComplaints = 2_000;

/** jco throws the error result of a WIT function as an error with its value in `payload`. */
function isErrorResult(error: unknown): error is { payload: unknown } {
  return error instanceof Error && Object.hasOwn(error, 'payload');
}

/** preview2-shim throws an error out of wasi:cli/exit. */
function exitCode(error: unknown): number | undefined {
  const { exitError, code } = (error ?? {}) as { exitError?: unknown; code?: unknown };
  return exitError === true && typeof code === 'number' ? code : undefined;
}
