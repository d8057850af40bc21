/** Sources and targets in memory. They never wait: they give and take bytes at once. Each has a bound. */
import type { InputSource, OutputTarget } from './streams.ts';

/** Thrown into a guest that writes more than its limit. It ends the call, also when the guest catches it. */
export class OutputTooLarge extends Error {
  constructor(limit: number) {
    super(`the output is over the limit of ${limit} bytes`);
    this.name = 'OutputTooLarge';
  }
}

/** Maximum size of a write to a target in memory, in bytes. */
const roomInMemory = 65_536;
/** Size of a tail: the last bytes that it keeps. */
const tailBytes = 65_536;
/** Number of writes that are kept apart before they are joined. */
const chunksKept = 1_024;
/** Maximum length of a line, in bytes; a longer line is split. */
const longestLine = 4_096;
const newline = 0x0a;

const atOnce = () => Promise.resolve();

/** A source whose bytes are all present at the start. */
export function bytesSource(bytes: Uint8Array): InputSource {
  let at = 0;
  return {
    take(length) {
      if (at >= bytes.byteLength) return undefined;
      const start = at;
      at = Math.min(bytes.byteLength, at + length);
      return bytes.subarray(start, at);
    },
    get ended() {
      return at >= bytes.byteLength;
    },
    failure: undefined,
    ready: atOnce,
    drop() {
      at = bytes.byteLength;
    },
  };
}

/** A target that takes all bytes at once, and passes each write on. */
function memoryTarget(write: (bytes: Uint8Array) => void, flush?: () => void): OutputTarget {
  return { room: roomInMemory, failure: undefined, write, ready: atOnce, ...(flush && { flush }) };
}

/** A target whose writes go to all of these targets. */
export function both(first: OutputTarget, second: OutputTarget): OutputTarget {
  return memoryTarget((bytes) => {
    first.write(bytes);
    second.write(bytes);
  });
}

/** Keeps all bytes up to the limit. A write beyond it throws `OutputTooLarge` and sets `exceeded`. */
export function createCollector(limit: number) {
  let kept = new Uint8Array(0);
  let bytes = 0;
  let exceeded: OutputTooLarge | undefined;
  return {
    target: memoryTarget((chunk) => {
      if (exceeded || bytes + chunk.byteLength > limit) {
        exceeded ??= new OutputTooLarge(limit);
        throw exceeded;
      }
      if (bytes + chunk.byteLength > kept.byteLength) {
        const larger = new Uint8Array(Math.max(bytes + chunk.byteLength, 2 * kept.byteLength));
        larger.set(kept.subarray(0, bytes));
        kept = larger;
      }
      kept.set(chunk, bytes);
      bytes += chunk.byteLength;
    }),
    bytes: (): Uint8Array => kept.subarray(0, bytes),
    /** Stays set once the guest has written too much. */
    get exceeded(): OutputTooLarge | undefined {
      return exceeded;
    },
  };
}

/** Keeps the last 64 KiB. */
export function createTail() {
  let chunks: Uint8Array[] = [];
  let bytes = 0;
  const trim = () => {
    // A copy, so that the bytes cut off are freed.
    const kept = Uint8Array.from(Buffer.concat(chunks, bytes).subarray(-tailBytes));
    chunks = [kept];
    bytes = kept.byteLength;
  };
  return {
    target: memoryTarget((chunk) => {
      chunks.push(Uint8Array.from(chunk));
      bytes += chunk.byteLength;
      // Not at every write: a program may write byte by byte.
      if (bytes > 2 * tailBytes || chunks.length > chunksKept) trim();
    }),
    /** The tail as text, without white space at its end. */
    text(): string {
      if (bytes === 0) return '';
      trim();
      return Buffer.from(chunks[0] ?? [])
        .toString()
        .trimEnd();
    },
    clear(): void {
      chunks = [];
      bytes = 0;
    },
  };
}

/** Passes whole lines on as text, without their line ends. A line over 4096 bytes is split. */
export function createLines(onLine: (text: string) => void) {
  let pending: Buffer[] = [];
  let bytes = 0;
  const give = () => {
    const line = Buffer.concat(pending, bytes);
    pending = [];
    bytes = 0;
    onLine(line.toString('utf8', 0, line.at(-1) === 0x0d ? line.byteLength - 1 : line.byteLength));
  };
  const add = (part: Uint8Array) => {
    for (let at = 0; at < part.byteLength; ) {
      const piece = part.subarray(at, at + longestLine - bytes);
      pending.push(Buffer.from(piece));
      bytes += piece.byteLength;
      at += piece.byteLength;
      if (bytes === longestLine && at < part.byteLength) give();
    }
  };
  return {
    target: memoryTarget((chunk) => {
      for (let at = 0; at < chunk.byteLength; ) {
        const end = chunk.indexOf(newline, at);
        add(chunk.subarray(at, end < 0 ? chunk.byteLength : end));
        if (end < 0) return;
        give();
        at = end + 1;
      }
    }),
    /** Passes on the rest, which has no line end. */
    end(): void {
      if (bytes > 0) give();
    },
  };
}
