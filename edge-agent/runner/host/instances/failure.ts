/** Finds the reason why a call ended without an answer, from the thrown value. */
import type { RunnerResult } from '../../protocol/wire.ts';
import { OutputTooLarge } from '../io/sources.ts';

/** A memory that cannot grow by 1 MiB is full. */
const pagesTried = 16;

/**
 * @param complaints the guest's output to stderr; its last line is the most useful one (a panic's message, for example)
 */
export function failureOf(error: unknown, cores: readonly WebAssembly.Instance[], complaints: string): RunnerResult {
  const text = error instanceof Error ? error.message : String(error);
  const message = complaints === '' ? text : `${text}: ${complaints.slice(-1_000)}`;
  if (error instanceof OutputTooLarge) return { ok: false, code: 'function_output_too_large', message };
  if (isAllocationFailure(error) || (error instanceof WebAssembly.RuntimeError && cores.some(isFull))) {
    return { ok: false, code: 'function_out_of_memory', message };
  }
  return { ok: false, code: 'function_trap', message };
}

/**
 * The host could not allocate. V8 throws a RangeError for that, for a stack that is too deep, and for a pointer outside
 * of the guest's memory. Only the text tells them apart.
 */
function isAllocationFailure(error: unknown): boolean {
  return error instanceof RangeError && /memory|allocation failed/i.test(error.message);
}

/** Only for instances that are thrown away: the attempt changes them. */
function isFull({ exports }: WebAssembly.Instance): boolean {
  return Object.values(exports).some((value) => {
    if (!(value instanceof WebAssembly.Memory)) return false;
    try {
      value.grow(pagesTried);
      return false;
    } catch {
      return true;
    }
  });
}
