/**
 * A function for FunLess's ABI: a core module with `__invoke(length of the input) -> 0 or 1`, which reads its input and
 * leaves its answer through imports of `fl_imps`. It is no component, so it has no glue: each call gets a new instance
 * of the bundle's one module. Nothing is kept between calls, regardless of the manifest.
 */
import type { CallChannel } from '../../protocol/channel.ts';
import type { CallFrame, RunnerResult } from '../../protocol/wire.ts';
import { failureOf } from '../instances/failure.ts';
import type { LoadedFunction } from '../instances/loaded-function.ts';
import { both, createLines, createTail, OutputTooLarge } from '../io/sources.ts';
import { createGuestMemory, type FunlessMemory } from './guest-memory.ts';
import { type HttpRequestArguments, httpRequest } from './http-request.ts';
import { createPreview1, noSuchFunction, Preview1Exit, waitingFunctions } from './preview1.ts';

/** Most bytes of an error's text, and of a line of the log. */
const messageBytes = 4_096;
/** FunLess calls without arguments with an empty object. */
const noInput = Buffer.from('{}');
const httpImport = '__http_request';
const decoder = new TextDecoder();

/** The guest's answer. */
type Left = { response?: Uint8Array; error?: string; tooLarge?: OutputTooLarge };

/** The state that one call's imports share. */
type Surroundings = {
  readonly memory: FunlessMemory;
  readonly channel: CallChannel;
  readonly input: Uint8Array;
  readonly outputBytes: number;
  readonly left: Left;
};

/** @param modules of the bundle, of which it has one; compiled */
export function createFunlessFunction(modules: ReadonlyMap<string, WebAssembly.Module>): LoadedFunction {
  const [module] = modules.values();
  if (!module) throw new Error('a bundle without a module');
  const imports = WebAssembly.Module.imports(module);
  const waits = imports.some(({ name }) => name === httpImport || waitingFunctions.has(name));

  const call = (frame: Pick<CallFrame, 'input' | 'outputBytes'>, channel: CallChannel) => {
    const input = frame.input.byteLength === 0 ? noInput : frame.input;
    const left: Left = {};
    const cores: WebAssembly.Instance[] = [];
    const tail = createTail();
    const stdout = createLines((text) => channel.log('stdout', text));
    const stderr = createLines((text) => channel.log('stderr', text));
    const memory = createGuestMemory(() => cores[0]?.exports.memory as WebAssembly.Memory);
    const around = { memory, channel, input, outputBytes: frame.outputBytes, left };
    const given: Record<string, unknown> = {
      ...flImports(around),
      ...createPreview1(memory, channel, { stdout: stdout.target, stderr: both(stderr.target, tail.target) }),
    };
    const finish = (outcome: RunnerResult): RunnerResult => {
      stdout.end();
      stderr.end();
      return outcome;
    };
    const ended = (code: number) => finish(outcomeOf(code, left));
    const threw = (error: unknown) =>
      finish(
        error instanceof Preview1Exit
          ? outcomeOf(error.exitCode, left)
          : failureOf(left.tooLarge ?? error, cores, tail.text()),
      );
    try {
      const core = new WebAssembly.Instance(module, importObject(imports, given));
      cores.push(core);
      const { __invoke: invoke, _initialize: initialize } = core.exports;
      if (typeof initialize === 'function') initialize();
      const exported = invoke as (length: number) => number;
      if (!waits) return ended(exported(input.byteLength));
      return WebAssembly.promising(exported)(input.byteLength).then(ended, threw);
    } catch (error) {
      return threw(error);
    }
  };

  return { call, makeAhead() {}, dropAhead() {} };
}

/** Functions of the two modules have different names, so one record has them all. */
function importObject(
  imports: ReturnType<typeof WebAssembly.Module.imports>,
  given: Readonly<Record<string, unknown>>,
): Record<string, Record<string, unknown>> {
  const object: Record<string, Record<string, unknown>> = {};
  for (const { module, name } of imports) {
    const work = given[name] ?? noSuchFunction;
    const waits = name === httpImport || waitingFunctions.has(name);
    object[module] ??= {};
    object[module][name] = waits ? new WebAssembly.Suspending(work as () => unknown) : work;
  }
  return object;
}

function flImports({ memory, channel, input, outputBytes, left }: Surroundings): Record<string, unknown> {
  return {
    __get_input_data: (pointer: number) => memory.write(pointer, input),
    __insert_response(pointer: number, length: number) {
      const bytes = length >>> 0;
      if (bytes > outputBytes && bytes <= memory.roomAt(pointer)) {
        left.tooLarge = new OutputTooLarge(outputBytes);
        throw left.tooLarge;
      }
      left.response = memory.read(pointer, length);
    },
    __insert_error(pointer: number, length: number) {
      left.error = decoder.decode(memory.readStart(pointer, length, messageBytes));
    },
    __console_log(pointer: number, length: number) {
      const text = decoder.decode(memory.readStart(pointer, length, messageBytes));
      for (const line of text.replace(/\n$/, '').split('\n')) channel.log('stdout', line);
    },
    [httpImport]: (...values: HttpRequestArguments) => httpRequest(memory, channel, values),
  };
}

function outcomeOf(code: number, { response, error, tooLarge }: Left): RunnerResult {
  if (tooLarge) return { ok: false, code: 'function_output_too_large', message: tooLarge.message };
  if (code !== 0) {
    return { ok: false, code: 'function_error', message: error ?? `it returned ${code} and left no error` };
  }
  if (response) return { ok: true, output: response };
  return { ok: false, code: 'function_output_invalid', message: 'it left no response' };
}
