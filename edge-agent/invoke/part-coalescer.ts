/**
 * Joins small parts of a body that arrive in one turn of the event loop: a guest may write four bytes at a time, and
 * every frame costs both ends of the tunnel the same, regardless of its size.
 *
 * Invariants: order is kept, within a body and against other frames of its invocation after `flush`. A part waits at
 * most until the end of the turn. One block of memory serves all bodies.
 */
import { maxPartBytes } from '@skerry/shared/http/http-limits.ts';
import type { FrameOf, ToControl } from '@skerry/shared/tunnel/protocol.ts';
import type { PipePart } from '../runner/protocol/stream-wire.ts';

export type PartCoalescer = {
  /** Takes a part that did not fail, of at most `maxPartBytes`; its bytes are copied. */
  add(id: string, part: PipePart): void;
  /** Sends the waiting parts. */
  flush(): void;
};

/**
 * @param send takes the bytes at once: they are overwritten later
 * @param defer calls back at the end of the turn; `setImmediate` outside of tests
 */
export function createPartCoalescer(
  send: (frame: FrameOf<ToControl, 'body'>) => void,
  defer: (flush: () => void) => void = setImmediate,
): PartCoalescer {
  const block = Buffer.allocUnsafeSlow(maxPartBytes);
  /** The invocation whose bytes are in the block. */
  let owner: string | undefined;
  let filled = 0;
  let deferred = false;

  const flush = () => {
    if (owner === undefined) return;
    const id = owner;
    owner = undefined;
    send({ kind: 'body', id, bytes: block.subarray(0, filled), last: false });
    filled = 0;
  };
  const hold = (id: string, bytes: Uint8Array) => {
    owner = id;
    block.set(bytes, filled);
    filled += bytes.byteLength;
    if (deferred) return;
    deferred = true;
    defer(() => {
      deferred = false;
      flush();
    });
  };

  return {
    add(id, { bytes, end, trailers }) {
      if (owner !== id || filled + bytes.byteLength > maxPartBytes) flush();
      if (end === 'no' && bytes.byteLength < maxPartBytes) return hold(id, bytes);
      const last = end === 'last';
      if (owner === undefined) return send({ kind: 'body', id, bytes, last, ...(trailers && { trailers }) });
      block.set(bytes, filled);
      const joined = block.subarray(0, filled + bytes.byteLength);
      owner = undefined;
      filled = 0;
      send({ kind: 'body', id, bytes: joined, last, ...(trailers && { trailers }) });
    },
    flush,
  };
}
