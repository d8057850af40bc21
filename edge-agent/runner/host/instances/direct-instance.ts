/**
 * One instance of a component that imports nothing, made and called without glue: its bundle says what to instantiate
 * and where the function's parts are. Lowers one string, calls, lifts `result<string, string>`, as the canonical ABI
 * has it (component model, CanonicalABI.md). One set of functions serves all instances, so it stays compiled.
 *
 * Every number that the guest gives is hostile: a pointer or length that does not lie within its memory, or is not
 * aligned, ends the call as a trap.
 * Invariant: an instance that threw is spent, and is never called again.
 */

import { isUtf8 } from 'node:buffer';
import type { DirectPlan } from '@skerry/shared/function/bundle.ts';
import type { CoreExport } from '@skerry/shared/function/linked-plan.ts';
import type { RunnerResult } from '../../protocol/wire.ts';
import type { StatePart } from '../link/snapshot.ts';
import { failureOf } from './failure.ts';

/** Layout of `result<string, string>`: a case in the first byte, then pointer and length of its string. */
const answerLayout = { alignment: 4, pointer: 4, length: 8, size: 12 } as const;
const cases = { ok: 0, error: 1 } as const;
/** Where an empty string points; nobody looks there. */
const nowhere = 1;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export class DirectInstance {
  /** True when it must not be called any more. */
  spent = false;
  /** Everything that a call can change; undefined when that is not known. */
  readonly state: readonly StatePart[] | undefined;
  /** Of its memory, when that may have grown and be put back all the same. */
  readonly slack: WebAssembly.Global | undefined;
  readonly #cores: readonly WebAssembly.Instance[];
  readonly #memory: WebAssembly.Memory;
  readonly #realloc: (old: number, oldSize: number, alignment: number, size: number) => number;
  readonly #invoke: (pointer: number, length: number) => number;
  readonly #postReturn: ((answer: number) => void) | undefined;

  /** @throws whatever instantiating throws: RangeError when there is no memory, RuntimeError for a trap at start */
  constructor(plan: DirectPlan, modules: ReadonlyMap<string, WebAssembly.Module>) {
    const cores = instantiateAll(plan, modules);
    const find = <T>({ instance, name }: CoreExport) => cores[instance]?.exports[name] as T;
    this.#cores = cores;
    this.#memory = find(plan.memory);
    this.#realloc = find(plan.realloc);
    this.#invoke = find(plan.invoke);
    this.#postReturn = plan.postReturn && find(plan.postReturn);
    this.state = plan.state?.map((part) => find<StatePart>(part));
    this.slack = plan.slack && find(plan.slack);
  }

  /** Runs the function once; never throws. */
  call(input: Uint8Array, outputBytes: number): RunnerResult {
    try {
      const text = asUtf8(input);
      const answer = this.#invoke(this.#lower(text), text.byteLength) >>> 0;
      const outcome = this.#lift(answer, outputBytes);
      this.#postReturn?.(answer);
      return outcome;
    } catch (error) {
      this.spent = true;
      return failureOf(error, this.#cores, '');
    }
  }

  #lower(text: Uint8Array): number {
    if (text.byteLength === 0) return nowhere;
    const pointer = this.#realloc(0, 0, 1, text.byteLength) >>> 0;
    this.#bytes(pointer, text.byteLength).set(text);
    return pointer;
  }

  /** The outcome holds a copy: what it was lifted from belongs to the guest. */
  #lift(answer: number, outputBytes: number): RunnerResult {
    if (answer % answerLayout.alignment !== 0) throw new Error(`a result at ${answer}, which is not aligned`);
    const { buffer, byteOffset } = this.#bytes(answer, answerLayout.size);
    const view = new DataView(buffer, byteOffset, answerLayout.size);
    const length = view.getUint32(answerLayout.length, true);
    const text = this.#bytes(view.getUint32(answerLayout.pointer, true), length);
    switch (view.getUint8(0)) {
      case cases.ok:
        return answerOf(length <= outputBytes ? asUtf8(Uint8Array.from(text)) : text, outputBytes);
      case cases.error:
        return { ok: false, code: 'function_error', message: decoder.decode(text) };
      default:
        throw new Error(`a result of unknown case ${view.getUint8(0)}`);
    }
  }

  #bytes(pointer: number, length: number): Uint8Array<ArrayBuffer> {
    const { buffer } = this.#memory;
    if (pointer + length > buffer.byteLength) {
      throw new Error(`${length} bytes at ${pointer}, beyond the memory of ${buffer.byteLength} bytes`);
    }
    return new Uint8Array(buffer, pointer, length);
  }
}

function answerOf(output: Uint8Array, outputBytes: number): RunnerResult {
  if (output.byteLength <= outputBytes) return { ok: true, output };
  return { ok: false, code: 'function_output_too_large', message: `${output.byteLength} bytes, over ${outputBytes}` };
}

function instantiateAll({ instances }: DirectPlan, modules: ReadonlyMap<string, WebAssembly.Module>) {
  const cores: WebAssembly.Instance[] = [];
  for (const { module: name, imports } of instances) {
    const module = modules.get(name);
    if (!module) throw new Error(`the bundle has no core module ${name}`);
    cores.push(new WebAssembly.Instance(module, importObject(imports, cores)));
  }
  return cores;
}

/** Without prototypes: names are the guest's, and may be `__proto__`. */
function importObject(imports: DirectPlan['instances'][number]['imports'], cores: readonly WebAssembly.Instance[]) {
  const object: Record<string, Record<string, unknown>> = Object.create(null);
  for (const { module, name, from } of imports) {
    object[module] ??= Object.create(null) as Record<string, unknown>;
    object[module][name] = cores[from.instance]?.exports[from.name];
  }
  return object;
}

/**
 * Text as the glue would pass it on: what is not UTF-8 is replaced, a byte order mark is dropped.
 * Almost always these very bytes.
 */
function asUtf8(bytes: Uint8Array): Uint8Array {
  return isUtf8(bytes) && bytes[0] !== 0xef ? bytes : encoder.encode(decoder.decode(bytes));
}
