/**
 * Writes pieces to a client that may be slow. Meanwhile it joins pieces in blocks, so that waiting data takes memory by
 * its bytes and not by the number of pieces, which an agent chooses.
 */
import type { ServerResponse } from 'node:http';

export type SlowWriter = {
  /** Takes a piece. The caller must not use the piece's bytes afterwards. */
  write(bytes: Uint8Array): void;
  /** Writes the waiting pieces; comes before the end. */
  flush(): void;
};

const blockBytes = 64 * 1024;

/** @param taken called with the number of bytes that the operating system has taken */
export function createSlowWriter(outgoing: ServerResponse, taken: (bytes: number) => void): SlowWriter {
  let full: Buffer[] = [];
  let block: Buffer | undefined;
  let filled = 0;

  const send = (bytes: Uint8Array) => outgoing.write(bytes, () => taken(bytes.byteLength));

  const flush = () => {
    const blocks = block ? [...full, block.subarray(0, filled)] : full;
    full = [];
    block = undefined;
    for (const one of blocks) send(one);
  };

  const hold = (bytes: Uint8Array) => {
    if (!block && full.length === 0) outgoing.once('drain', flush);
    for (let at = 0; at < bytes.byteLength; ) {
      if (!block) {
        block = Buffer.allocUnsafeSlow(blockBytes);
        filled = 0;
      }
      const piece = bytes.subarray(at, at + blockBytes - filled);
      block.set(piece, filled);
      filled += piece.byteLength;
      at += piece.byteLength;
      if (filled < blockBytes) continue;
      full.push(block);
      block = undefined;
    }
  };

  return {
    write(bytes) {
      if (outgoing.writableNeedDrain || block || full.length > 0) hold(bytes);
      else send(detached(bytes));
    },
    flush,
  };
}

/** A small view of a large message would keep all of the message in memory until it is written. */
function detached(bytes: Uint8Array): Uint8Array {
  return bytes.byteLength * 4 < bytes.buffer.byteLength ? Uint8Array.from(bytes) : bytes;
}
