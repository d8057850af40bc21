/**
 * `stream<u8>` between host and guest, as jco's glue has it: what the host gives is a web stream, what the guest gives
 * is an object to read from. The host's ends are those of io/streams.ts, with their bounds and their waits.
 *
 * Invariants: one chunk of `chunkBytes` at most is on its way in each direction, so that who is slow makes the other
 * side wait. Everything that was waited for ends with `moved`, for the glue to look again.
 */
import type { InputStream, OutputStream } from '../io/streams.ts';

/** Bytes that the host hands over, or takes, at once. */
const chunkBytes = 65_536;

/** What the glue makes of a stream that the guest gives. A guest chooses the types of what it imports, so: unchecked. */
export type GuestStream = { read(options: { count: number }): Promise<{ done: boolean; value?: unknown }> };

/** What a `future<result<_, error-code>>` resolves to. */
export type Ended = { readonly tag: 'ok' } | { readonly tag: 'err'; readonly val: unknown };

/**
 * The rest of `input` for the guest to read.
 *
 * @param codeOf what the guest is told of a failure
 * @returns the stream, and how it ended; the second never rejects
 */
export function readable(
  input: InputStream,
  codeOf: (error: unknown) => unknown,
  moved: () => void,
): [ReadableStream<Uint8Array>, Promise<Ended>] {
  const { promise, resolve } = Promise.withResolvers<Ended>();
  const end = (ended: Ended) => {
    input[Symbol.dispose]();
    resolve(ended);
  };
  const stream = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          controller.enqueue(await input.blockingRead(BigInt(chunkBytes)));
        } catch (error) {
          controller.close();
          end(isClosed(error) ? { tag: 'ok' } : { tag: 'err', val: codeOf(error) });
        }
        moved();
      },
      cancel: () => end({ tag: 'ok' }),
    },
    { highWaterMark: 0 },
  );
  return [stream, promise];
}

/**
 * Takes everything that the guest writes, until it drops its end.
 *
 * @throws what writing to `output` throws, and TypeError for a stream that is none of bytes
 */
export async function drain(data: GuestStream, output: OutputStream, moved: () => void): Promise<void> {
  for (;;) {
    const { done, value } = await data.read({ count: chunkBytes });
    if (value !== undefined) await writeAll(bytesOf(value), output);
    moved();
    if (done) return;
  }
}

/** A stream of the host's that the guest hands on gives numbers, not bytes. */
function bytesOf(value: unknown): Uint8Array {
  if (value instanceof Uint8Array) return value;
  if (Array.isArray(value) && value.every((byte) => Number.isInteger(byte) && byte >= 0 && byte <= 255)) {
    return Uint8Array.from(value);
  }
  throw new TypeError('a stream of something else than bytes');
}

async function writeAll(bytes: Uint8Array, output: OutputStream): Promise<void> {
  for (let at = 0; at < bytes.byteLength; ) {
    const permit = Number(output.checkWrite());
    if (permit === 0) await output.blockingFlush();
    output.write(bytes.subarray(at, at + permit));
    at += permit;
  }
}

/** stream-error `closed`, as io/streams.ts throws it. */
export function isClosed(error: unknown): boolean {
  return (error as { tag?: unknown } | undefined)?.tag === 'closed';
}
