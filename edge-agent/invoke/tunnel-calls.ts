/**
 * Invocations that come through the tunnel: their frames in, their outcomes out.
 *
 * Invariant: every invocation is answered with one `outcome`, unless the tunnel ends first, even when its result does
 * not fit a frame. Streams end with the tunnel, because their other end is gone.
 */
import type { FrameOf, ToAgent, ToControl } from '@skerry/shared/tunnel/protocol.ts';
import { createDeferredAccepted } from './deferred-accepted.ts';
import type { InvocationGate, InvocationOutcome } from './invocation-gate.ts';
import { createPartCoalescer } from './part-coalescer.ts';

export type Load = { readonly memoryAvailable: number; readonly running: number };

export type TunnelCalls = {
  invoke(frame: FrameOf<ToAgent, 'invoke'>): void;
  body(frame: FrameOf<ToAgent, 'body'>): void;
  credit(frame: FrameOf<ToAgent, 'credit'>): void;
  onDown(): void;
};

export function createTunnelCalls(
  gate: Pick<InvocationGate, 'invoke' | 'part' | 'credit' | 'cancel'>,
  send: (frame: ToControl) => void,
  load: () => Load,
): TunnelCalls {
  /** Invocations that stream, in either direction. */
  const streaming = new Set<string>();

  const parts = createPartCoalescer(send);
  const starts = createDeferredAccepted((id) => send({ kind: 'accepted', id }));

  const invoke = async (frame: FrameOf<ToAgent, 'invoke'>) => {
    const { id, function: functionId, input, timeoutMs, http, streams } = frame;
    let broken = false;
    if (streams) streaming.add(id);
    const outcome = await gate.invoke(
      { id, function: functionId, input, timeoutMs, http, streams },
      {
        // The caller's body is sent only after `accepted`.
        onStart: () => (streams ? starts.tell(id) : starts.hold(id)),
        onHead(head) {
          streaming.add(id);
          starts.tellHeld(id);
          send({ kind: 'head', id, ...head });
        },
        onPart(part) {
          if (part.end === 'failed') broken = true;
          else parts.add(id, part);
        },
        onCredit: (bytes) => send({ kind: 'credit', id, bytes }),
      },
    );
    if (streaming.delete(id)) parts.flush();
    const answer = told(outcome, broken);
    // A successful outcome implies that the call began.
    if (answer.result.ok) starts.forget(id);
    else starts.tellHeld(id);
    try {
      send({ kind: 'outcome', id, ...answer, ...load() });
    } catch {
      const { revision, durationUs, cold } = outcome;
      send({ kind: 'outcome', id, result: unsendable, revision, durationUs, cold, ...load() });
    }
  };

  return {
    invoke: (frame) => void invoke(frame),
    body: ({ id, bytes, last, trailers }) =>
      gate.part(id, { bytes, end: last ? 'last' : 'no', ...(trailers && { trailers }) }),
    credit: ({ id, bytes }) => gate.credit(id, bytes),
    onDown() {
      starts.forgetAll();
      for (const id of streaming) gate.cancel(id);
    },
  };
}

const unsendable = { ok: false, code: 'function_output_invalid', message: 'its answer cannot be sent' } as const;

/** @param broken the answer's body was broken off: a successful result would make it look complete */
function told({ head, trailers, ...rest }: InvocationOutcome, broken: boolean) {
  const unfinished = { ok: false, code: 'function_output_invalid', message: 'its answer was not finished' } as const;
  return {
    ...rest,
    ...(broken && rest.result.ok && { result: unfinished }),
    ...(head && { head }),
    ...(trailers && { trailers }),
  };
}
