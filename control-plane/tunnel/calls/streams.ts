/**
 * One call whose bodies cross the tunnel in parts: windows and order, for both directions (shared/http/http.ts).
 *
 * Invariants: nothing of the caller's body is sent before the agent has accepted the call, so that a refused call can
 * go elsewhere with its body untouched. At most one window of it is on the way, and at most one part of it in our
 * memory, regardless of the agent's frames. An agent that sends more than its window, or anything out of order, loses
 * its tunnel, since it speaks another protocol.
 */

import type { Headers, ResponseHead } from '@skerry/shared/http/http.ts';
import { streamWindowBytes } from '@skerry/shared/http/http-limits.ts';
import { CodecError } from '@skerry/shared/tunnel/codec.ts';
import type { FrameOf, ToControl } from '@skerry/shared/tunnel/protocol.ts';
import type { TunnelConnection } from '../connect/connection.ts';

/** Part of a body, at most `maxPartBytes` (shared/http/http-limits.ts); trailers come with the last one only. */
export type BodyPart = {
  readonly bytes: Uint8Array;
  readonly last: boolean;
  readonly trailers?: Headers | undefined;
};

/** The rest of the caller's body on its way to the agent. */
export type Upload = {
  /**
   * Sends a part once the window has room for it. Resolves with false when the call is over, and no more parts are
   * wanted; with true when the next part may come. One part at a time. Never rejects.
   */
  send(part: BodyPart): Promise<boolean>;
};

/** The caller's side of such a call. None of these may throw. */
export type CallStream = {
  /** The agent accepted the call; called once. Present when the caller's body comes in parts. */
  readonly begun?: (upload: Upload) => void;
  /** The answer's head; parts follow. Not called when the answer comes complete, with the outcome. */
  head(head: ResponseHead): void;
  /** Part of the answer's body. `taken`, the same for all of them, lets the agent send this number of bytes again. */
  part(part: BodyPart, taken: (bytes: number) => void): void;
};

/** The tunnel's side of it: the agent's frames about this call. */
export type Stream = {
  accepted(): void;
  credit(bytes: number): void;
  /** @throws CodecError when it is out of order */
  head(head: ResponseHead): void;
  /** @throws CodecError when it is out of order or over the window */
  part(frame: FrameOf<ToControl, 'body'>): void;
  /** The call is over: nothing more is sent or passed on. */
  end(): void;
};

/** Bytes that are credited together: fewer frames, and the agent still always has credit. */
const creditBytes = streamWindowBytes / 4;

export function createStream(
  connection: Pick<TunnelConnection, 'send' | 'deliver'>,
  id: string,
  caller: CallStream,
): Stream {
  let over = false;
  let begun = false;
  let unacknowledged = 0;
  let onRoom = () => {};
  let answer: 'none' | 'begun' | 'whole' = 'none';
  let untaken = 0;
  let uncredited = 0;

  const room = async (bytes: number) => {
    while (!over && unacknowledged > 0 && unacknowledged + bytes > streamWindowBytes) {
      await new Promise<void>((resolve) => {
        onRoom = resolve;
      });
    }
    return !over;
  };

  const upload: Upload = {
    async send({ bytes, last, trailers }) {
      if (!(await room(bytes.byteLength))) return false;
      unacknowledged += bytes.byteLength;
      await connection.deliver({
        kind: 'body',
        id,
        bytes,
        last,
        ...(trailers && { trailers: [...trailers] as never }),
      });
      return !over;
    },
  };

  const taken = (bytes: number) => {
    uncredited += bytes;
    if (over || answer === 'whole' || uncredited < creditBytes) return;
    untaken -= uncredited;
    connection.send({ kind: 'credit', id, bytes: uncredited });
    uncredited = 0;
  };

  return {
    accepted() {
      if (begun) return;
      begun = true;
      caller.begun?.(upload);
    },
    credit(bytes) {
      // Credit for more than was sent would only let the window grow.
      unacknowledged = Math.max(0, unacknowledged - bytes);
      onRoom();
    },
    head(head) {
      if (answer !== 'none') throw new CodecError('bad_frame', 'a second head for one call');
      answer = 'begun';
      caller.head(head);
    },
    part({ bytes, last, trailers }) {
      if (answer !== 'begun') throw new CodecError('bad_frame', 'part of a body outside of an answer');
      untaken += bytes.byteLength;
      if (untaken > streamWindowBytes) throw new CodecError('bad_frame', 'more of a body than its window holds');
      if (last) answer = 'whole';
      caller.part({ bytes, last, trailers }, taken);
    },
    end() {
      over = true;
      onRoom();
    },
  };
}
