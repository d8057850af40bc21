/** A stored invocation as a document, for the API and for callbacks. */
import { isUtf8 } from 'node:buffer';
import type { DeliveryRow, InvocationRow, WholeInvocation } from '../db/events/invocation-reading.ts';

/** Without input and output. */
export function invocationSummary(row: InvocationRow) {
  return {
    id: row.id,
    module: row.module,
    function: row.name,
    revision: row.revision,
    state: row.state,
    origin: row.origin,
    trigger: row.triggerId,
    agent: row.agent,
    attempts: row.attempts,
    /** Why the last attempt failed, or why it waits. */
    error: row.errorCode === null ? null : { code: row.errorCode, message: row.errorMessage ?? '' },
    created_by: row.createdBy,
    created_at: row.createdAt.toISOString(),
    started_at: row.startedAt?.toISOString() ?? null,
    ended_at: row.endedAt?.toISOString() ?? null,
  };
}

export function invocationDocument(row: WholeInvocation) {
  const [input, output] = [encodePart(row.input), encodePart(row.output)];
  return {
    ...invocationSummary(row),
    input: input.value,
    ...(input.encoded && { input_encoding: 'base64' as const }),
    output: output.value,
    ...(output.encoded && { output_encoding: 'base64' as const }),
  };
}

/** With the state of its deliveries. */
export function wholeDocument(row: WholeInvocation, deliveries: readonly DeliveryRow[]) {
  const callback = row.callbackUrl === null ? null : { url: row.callbackUrl, state: callbackState(row) };
  return {
    ...invocationDocument(row),
    only_agent: row.onlyAgent,
    callback,
    deliveries: deliveries.map(({ sinkId, type, dead, attempts, error }) => ({
      sink: sinkId,
      type,
      state: dead ? ('dead' as const) : ('pending' as const),
      attempts,
      error,
    })),
  };
}

function callbackState({ callbackDelivered }: WholeInvocation): 'pending' | 'delivered' | 'failed' {
  if (callbackDelivered === null) return 'pending';
  return callbackDelivered ? 'delivered' : 'failed';
}

/** JSON as it is, anything else in base64; undefined when it is not kept. */
function encodePart(bytes: Uint8Array | null): { readonly value: unknown; readonly encoded: boolean } {
  if (bytes === null) return { value: undefined, encoded: false };
  try {
    if (isUtf8(bytes)) return { value: JSON.parse(Buffer.from(bytes).toString()), encoded: false };
  } catch {
    // reported below
  }
  return { value: Buffer.from(bytes).toString('base64'), encoded: true };
}
