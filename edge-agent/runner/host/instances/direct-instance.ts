/**
 * One instance of a component without imports, made and called without glue. Its bundle lists the modules to
 * instantiate and the location of the function's parts. A call lowers one string, calls, and lifts `result<string,
 * string>` by the canonical ABI (component model, CanonicalABI.md). One set of functions serves all instances, so that
 * it stays compiled.
 *
 * Every number from the guest is hostile: a pointer or length outside of its memory, or one that is not aligned, ends
 * the call as a trap. Invariant: an instance that threw is spent, and is never called again.
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
/** Pointer of an empty string. It is never read. */
const nowhere = 1;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export class DirectInstance {
  /** True when the instance must not be called again. */
  spent = false;
  /** All state that a call can change; undefined when that is not known. */
  readonly state: readonly StatePart[] | undefined;
  /** Slack of the memory, when it may have grown and can still be restored. */
  readonly slack: WebAssembly.Global | undefined;
  readonly #cores: readonly WebAssembly.Instance[];
  readonly #memory: WebAssembly.Memory;
  readonly #realloc: (old: number, oldSize: number, alignment: number, size: number) => number;
  readonly #invoke: (pointer: number, length: number) => number;
  readonly #postReturn: ((answer: number) => void) | undefined;

  /** @throws the errors of instantiation: RangeError without memory, RuntimeError for a trap at start */
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

  /** Runs the function once. Never throws. */
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

  /** The outcome holds a copy, because the memory belongs to the guest. */
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

/** Without prototypes: the guest chooses the names, and one may be `__proto__`. */
function importObject(imports: DirectPlan['instances'][number]['imports'], cores: readonly WebAssembly.Instance[]) {
  const object: Record<string, Record<string, unknown>> = Object.create(null);
  for (const { module, name, from } of imports) {
    object[module] ??= Object.create(null) as Record<string, unknown>;
    object[module][name] = cores[from.instance]?.exports[from.name];
  }
  return object;
}

/**
 * Converts text as the glue does: invalid UTF-8 is replaced, and a byte order mark is dropped. Almost always the bytes
 * stay the same.
 */
function asUtf8(bytes: Uint8Array): Uint8Array {
  return isUtf8(bytes) && bytes[0] !== 0xef ? bytes : encoder.encode(decoder.decode(bytes));
}
