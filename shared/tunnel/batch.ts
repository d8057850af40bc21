/**
 * Joins what is sent within one turn of the event loop into one message, because a system call costs more than a
 * small frame. Order is kept; a message never grows over the limit.
 */
import { maxFrameBytes } from './protocol.ts';

export type Batch = {
  /** Takes an encoded frame; it leaves with the next flush. */
  add(frame: Uint8Array): void;
  /** Sends at once what has been gathered. */
  flush(): void;
};

/**
 * @param write sends one message
 * @param defer calls back at the end of the turn; `setImmediate` outside of tests
 * @param limit bytes of a message at most, unless a single frame is larger
 */
export function createBatch(
  write: (message: Uint8Array) => void,
  defer: (flush: () => void) => void = setImmediate,
  limit: number = maxFrameBytes,
): Batch {
  let frames: Uint8Array[] = [];
  let bytes = 0;
  let deferred = false;

  const flush = () => {
    deferred = false;
    const [first] = frames;
    if (!first) return;
    const message = frames.length === 1 ? first : Buffer.concat(frames, bytes);
    frames = [];
    bytes = 0;
    write(message);
  };

  return {
    add(frame) {
      if (bytes + frame.byteLength > limit) flush();
      frames.push(frame);
      bytes += frame.byteLength;
      if (!deferred) {
        deferred = true;
        defer(flush);
      }
    },
    flush,
  };
}
