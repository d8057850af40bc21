/** The standard streams of one invocation, in memory, each with a bound. */

/** Thrown into a guest that writes more than it may; it ends the invocation, whatever the guest does about it. */
export class OutputTooLarge extends Error {
  constructor(limit: number) {
    super(`the output is over the limit of ${limit} bytes`);
    this.name = 'OutputTooLarge';
  }
}

/** Bytes that a guest may write at once. */
const permitBytes = 65_536n;
/** Bytes of stderr that are kept: the last ones. */
const tailBytes = 65_536;
/** Writes that are kept apart before they are joined. */
const chunksKept = 1_024;

/** Stdin that holds all of the input from the start. Handed in as an adapter of preview2-shim's input stream. */
export function createStdin(input: Uint8Array) {
  let at = 0;
  return {
    blockingRead(length: bigint): Uint8Array {
      if (at >= input.byteLength) throw { tag: 'closed' };
      const end = Math.min(input.byteLength, at + Number(length));
      const bytes = input.subarray(at, end);
      at = end;
      return bytes;
    },
  };
}

/** Stdout that keeps everything up to the limit and throws `OutputTooLarge` beyond it. */
export function createOutput(limit: number) {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  return {
    adapter: {
      checkWrite: () => permitBytes,
      write(chunk: Uint8Array): void {
        bytes += chunk.byteLength;
        if (bytes > limit) throw new OutputTooLarge(limit);
        chunks.push(Uint8Array.from(chunk));
      },
    },
    bytes: (): Uint8Array => Buffer.concat(chunks, bytes),
  };
}

/** Stderr that keeps the last 64 KiB. */
export function createTail() {
  let chunks: Uint8Array[] = [];
  let bytes = 0;
  const trim = () => {
    const kept = Buffer.concat(chunks, bytes).subarray(-tailBytes);
    chunks = [kept];
    bytes = kept.byteLength;
  };
  return {
    adapter: {
      checkWrite: () => permitBytes,
      write(chunk: Uint8Array): void {
        chunks.push(Uint8Array.from(chunk));
        bytes += chunk.byteLength;
        // Not at every write: a program may write byte by byte.
        if (bytes > 2 * tailBytes || chunks.length > chunksKept) trim();
      },
    },
    text: (): string => {
      trim();
      return Buffer.from(chunks[0] ?? [])
        .toString()
        .trimEnd();
    },
  };
}
