/**
 * `stream<u8>` between host and guest, in the form of jco's glue: the host passes a web stream, and the guest passes an
 * object to read from. The host's ends are the streams of io/streams.ts, with their bounds and waits.
 *
 * Invariants: at most one chunk of `chunkBytes` is in transit in each direction, so that a slow side makes the other
 * side wait. Every wait ends with a call of `moved`, so that the glue checks again.
 */
import type { InputStream, OutputStream } from '../io/streams.ts';

/** Size of one chunk of the host, in bytes. */
const chunkBytes = 65_536;

/**
 * The glue's object for a stream of the guest. A guest chooses the types of its imports, so the values are unchecked.
 */
export type GuestStream = { read(options: { count: number }): Promise<{ done: boolean; value?: unknown }> };

/** The value of a `future<result<_, error-code>>`. */
export type Ended = { readonly tag: 'ok' } | { readonly tag: 'err'; readonly val: unknown };

/**
 * The rest of `input` for the guest to read.
 *
 * @param codeOf the guest's error code for a failure
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
 * Takes all bytes that the guest writes, until it drops its end.
 *
 * @throws the errors of writing to `output`, and TypeError for a stream of another type
 */
export async function drain(data: GuestStream, output: OutputStream, moved: () => void): Promise<void> {
  for (;;) {
    const { done, value } = await data.read({ count: chunkBytes });
    if (value !== undefined) await writeAll(bytesOf(value), output);
    moved();
    if (done) return;
  }
}

/** A host stream that the guest passes on gives numbers, not bytes. */
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
function isClosed(error: unknown): boolean {
  return (error as { tag?: unknown } | undefined)?.tag === 'closed';
}
