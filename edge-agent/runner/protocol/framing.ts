/**
 * Frames on a byte stream: a length in four bytes (little endian), then the content. Both ends of the pipe between the
 * agent and its runner use it.
 */

/** Maximum length of a frame, in bytes: a bundle of the largest upload, with room for its glue. */
export const maxPipeFrameBytes = 256 * 1024 * 1024;

const lengthBytes = 4;

/** A frame of `bytes` bytes with its length written. The content starts at `frameStart`. */
export function newFrame(bytes: number): Buffer {
  const frame = Buffer.allocUnsafe(lengthBytes + bytes);
  frame.writeUInt32LE(bytes, 0);
  return frame;
}

/** Offset of the content in a frame. */
export const frameStart = lengthBytes;

/**
 * Makes whole frames from chunks. A frame is a view of the chunks it came in, and must be read before the next turn.
 *
 * @returns a function to call with each chunk; it throws RangeError for a frame over the limit
 */
export function createFrameReader(onFrame: (content: Buffer) => void): (chunk: Buffer) => void {
  let pending: Buffer[] = [];
  let pendingBytes = 0;
  /** Number of bytes before the next frame can be complete. */
  let needed = lengthBytes;

  return (chunk) => {
    pending.push(chunk);
    pendingBytes += chunk.byteLength;
    if (pendingBytes < needed) return;
    const bytes = pending.length === 1 ? chunk : Buffer.concat(pending, pendingBytes);
    let at = 0;
    needed = lengthBytes;
    while (bytes.byteLength - at >= lengthBytes) {
      const length = bytes.readUInt32LE(at);
      if (length > maxPipeFrameBytes) throw new RangeError(`a frame of ${length} bytes`);
      if (bytes.byteLength - at < lengthBytes + length) {
        needed = lengthBytes + length;
        break;
      }
      onFrame(bytes.subarray(at + lengthBytes, at + lengthBytes + length));
      at += lengthBytes + length;
    }
    pending = at < bytes.byteLength ? [bytes.subarray(at)] : [];
    pendingBytes = bytes.byteLength - at;
  };
}

/**
 * Joins the frames of one turn of the event loop into one write. (shared/tunnel/batch.ts does the same for the tunnel.
 * It needs the tunnel's schemas, which have no place in the runner.)
 */
export function createFrameWriter(write: (bytes: Uint8Array) => void): (frame: Uint8Array) => void {
  let frames: Uint8Array[] = [];
  const flush = () => {
    const bytes = frames.length === 1 ? frames[0] : Buffer.concat(frames);
    frames = [];
    if (bytes) write(bytes);
  };
  return (frame) => {
    if (frames.push(frame) === 1) setImmediate(flush);
  };
}
