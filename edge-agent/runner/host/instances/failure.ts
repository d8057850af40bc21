/** Why a call ended without an answer, as far as it can be told from what was thrown. */
import type { RunnerResult } from '../../protocol/wire.ts';
import { OutputTooLarge } from '../io/sources.ts';

/** A memory that cannot grow by this much is full: 1 MiB. */
const pagesTried = 16;

/** @param complaints what the guest wrote to stderr; its last line says most (a panic's message, for one) */
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
 * The host could not allocate. V8 has a RangeError for that, and the same for a stack that is too deep and for a
 * pointer of the guest that leads out of its memory: only the text tells them apart.
 */
function isAllocationFailure(error: unknown): boolean {
  return error instanceof RangeError && /memory|allocation failed/i.test(error.message);
}

/** Only for instances that are thrown away: trying changes them. */
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
