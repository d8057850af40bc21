/**
 * A batch on its way to the outbox's thread. All of its bytes are in one buffer that is transferred: cloning a view,
 * for example of a small message in a large read from a socket, would copy everything around it.
 */
import type { Operation } from '../storage/operations.ts';

/** Most operations of one batch: a commit of this number takes some tens of milliseconds. */
const maxBatch = 1_000;
const maxBatchBytes = 8 * 1024 * 1024;

export type PackedBatch = { readonly operations: readonly Operation[]; readonly bytes: ArrayBuffer };

/** Where bytes are in the buffer. It replaces the bytes in a packed operation. */
type Span = { readonly at: number; readonly length: number };

export function packBatch(operations: readonly Operation[]): PackedBatch {
  let size = 0;
  for (const operation of operations) mapBytes(operation, (bytes) => count(bytes));
  function count(bytes: Uint8Array): Uint8Array {
    size += bytes.byteLength;
    return bytes;
  }
  const all = new Uint8Array(size);
  let at = 0;
  const packed = operations.map((operation) =>
    mapBytes(operation, (bytes) => {
      const span: Span = { at, length: bytes.byteLength };
      all.set(bytes, at);
      at += bytes.byteLength;
      return span as unknown as Uint8Array;
    }),
  );
  return { operations: packed, bytes: all.buffer };
}

/** Unpacks the operations; their bytes are views of the buffer. */
export function unpackBatch({ operations, bytes }: PackedBatch): Operation[] {
  return operations.map((operation) =>
    mapBytes(operation, (packed) => {
      const { at, length } = packed as unknown as Span;
      return new Uint8Array(bytes, at, length);
    }),
  );
}

/** How many of these operations go together: at least one, and no more bytes than can be copied in a moment. */
export function batchLength(waiting: readonly { readonly bytes: number }[]): number {
  let length = 0;
  for (let size = 0; length < Math.min(waiting.length, maxBatch); length += 1) {
    size += waiting[length]?.bytes ?? 0;
    if (length > 0 && size > maxBatchBytes) break;
  }
  return length;
}

/** Bytes of an operation's input and output. */
export function bytesOf(operation: Operation): number {
  if (operation.do === 'record') return operation.event.input.byteLength;
  if (operation.do !== 'end') return 0;
  const { input, result } = operation.outcome;
  return (input?.byteLength ?? 0) + (result.ok ? result.output.byteLength : 0);
}

function mapBytes(operation: Operation, map: (bytes: Uint8Array) => Uint8Array): Operation {
  if (operation.do === 'record') {
    return { ...operation, event: { ...operation.event, input: map(operation.event.input) } };
  }
  if (operation.do !== 'end') return operation;
  const { input, result, ...rest } = operation.outcome;
  const outcome = {
    ...rest,
    ...(input && { input: map(input) }),
    result: result.ok ? { ...result, output: map(result.output) } : result,
  };
  return { ...operation, outcome };
}
