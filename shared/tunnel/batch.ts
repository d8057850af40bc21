/**
 * Joins the frames of one turn of the event loop into one message, because a system call costs more than a small frame.
 * Keeps the order of the frames. A message never exceeds the limit, unless a single frame does.
 */
import { maxFrameBytes } from './protocol.ts';

type Batch = {
  /** Takes an encoded frame. The next flush sends it. */
  add(frame: Uint8Array): void;
  /** Sends the gathered frames at once. */
  flush(): void;
};

/**
 * @param write sends one message
 * @param defer calls back at the end of the turn. Tests pass a function of their own
 * @param limit maximum size of a message, in bytes
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
