import { describe, expect, test } from 'vitest';
import { TestSink, TestSource } from '../http/testing/channel.ts';
import { IoError } from './io-error.ts';
import { InputStream, OutputStream } from './streams.ts';

const huge = 2_000_000_000n;
const call = () => new AbortController();
const text = (bytes: Uint8Array) => Buffer.from(bytes).toString();

/** The value that was thrown to the guest. */
async function thrown(run: () => unknown): Promise<unknown> {
  try {
    await run();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}

describe('an input stream', () => {
  const open = (source: TestSource, { signal } = call()) => InputStream.of(source, signal);

  test('gives the bytes present, none while there are none, and closes at the end', async () => {
    const source = new TestSource();
    const stream = open(source);
    expect(stream.read(10n)).toHaveLength(0);
    source.push('hello');
    expect(text(stream.read(3n))).toBe('hel');
    expect(text(stream.read(10n))).toBe('lo');
    source.end();
    expect(await thrown(() => stream.read(1n))).toEqual({ tag: 'closed' });
    expect(await thrown(() => stream.blockingRead(1n))).toEqual({ tag: 'closed' });
  });

  test('waits for bytes, and loses none of those that a poll has read', async () => {
    const source = new TestSource();
    const stream = open(source);
    const pollable = stream.subscribe();
    expect(pollable.ready()).toBe(false);
    const read = stream.blockingRead(2n);
    expect(read).toBeInstanceOf(Promise);
    source.push('abcd').push('ef');
    expect(text(await read)).toBe('ab');
    expect(pollable.ready()).toBe(true);
    expect(stream.skip(1n)).toBe(1n);
    expect(text(stream.read(10n))).toBe('d');
    expect(await stream.blockingSkip(10n)).toBe(2n);
    expect(pollable.ready()).toBe(false);
  });

  test('a guest that asks for 2,000,000,000 bytes gets 64 KiB', () => {
    const source = new TestSource().push(new Uint8Array(1_000_000));
    const stream = open(source);
    expect(stream.read(huge)).toHaveLength(65_536);
    expect(stream.read(2n ** 64n - 1n)).toHaveLength(65_536);
    expect(stream.skip(huge)).toBe(65_536n);
  });

  test('reports a failure once, after the bytes before it, and is then closed', async () => {
    const stream = open(new TestSource().push('rest').fail('gone'));
    expect(text(stream.read(10n))).toBe('rest');
    const error = (await thrown(() => stream.read(10n))) as { tag: string; val: IoError };
    expect(error.tag).toBe('last-operation-failed');
    expect(error.val).toBeInstanceOf(IoError);
    expect(error.val.toDebugString()).toBe('gone');
    expect(await thrown(() => stream.read(10n))).toEqual({ tag: 'closed' });
  });

  test('every wait ends with the call', async () => {
    const controller = call();
    const stream = open(new TestSource(), controller);
    const waits = [stream.blockingRead(1n), stream.blockingSkip(1n), stream.subscribe().block()].map((wait) =>
      thrown(() => wait),
    );
    const reason = new Error('the deadline');
    controller.abort(reason);
    expect(await Promise.all(waits)).toEqual([reason, reason, reason]);
    expect(await thrown(() => stream.blockingRead(1n))).toBe(reason);
  });

  test('a reason that is no error does not become a value of the guest', async () => {
    const controller = call();
    const wait = thrown(() => open(new TestSource(), controller).blockingRead(1n));
    controller.abort({ tag: 'closed' });
    expect(await wait).toBeInstanceOf(Error);
  });

  test('a dropped stream drops its source, and using it ends the guest', async () => {
    const source = new TestSource();
    const stream = open(source);
    const pollable = stream.subscribe();
    stream[Symbol.dispose]();
    expect(source.dropped).toBe(true);
    expect(pollable.ready()).toBe(true);
    expect(await thrown(() => stream.read(1n))).toBeInstanceOf(Error);
  });

  test('an object of another class ends the guest', async () => {
    const forged = Object.create(InputStream.prototype) as InputStream;
    expect(await thrown(() => forged.read(1n))).toBeInstanceOf(TypeError);
  });
});

describe('an output stream', () => {
  const open = (sink: TestSink, { signal } = call()) => OutputStream.of(sink, signal);

  test('needs a permit for each byte', async () => {
    const sink = new TestSink();
    const stream = open(sink);
    expect(await thrown(() => stream.write(new Uint8Array(1)))).toBeInstanceOf(Error);
    expect(stream.checkWrite()).toBe(65_536n);
    stream.write(new Uint8Array(65_000));
    expect(await thrown(() => stream.write(new Uint8Array(537)))).toBeInstanceOf(Error);
    stream.write(new Uint8Array(536));
    expect(await thrown(() => stream.writeZeroes(1n))).toBeInstanceOf(Error);
    expect(sink.bytes).toBe(65_536);
  });

  test('a write of zeroes is bounded like any write', async () => {
    const sink = new TestSink();
    const stream = open(sink);
    stream.checkWrite();
    expect(await thrown(() => stream.writeZeroes(huge))).toBeInstanceOf(Error);
    expect(await thrown(() => stream.blockingWriteZeroesAndFlush(huge))).toBeInstanceOf(Error);
    stream.writeZeroes(3n);
    await stream.blockingWriteZeroesAndFlush(2n);
    expect(sink.parts).toEqual([Buffer.alloc(3), Buffer.alloc(2)]);
  });

  test('splits blocking writes to fit the room; more than 4096 bytes end the guest', async () => {
    const sink = new TestSink(3);
    const stream = open(sink);
    const write = stream.blockingWriteAndFlush(Buffer.from('abcdefgh'));
    expect(write).toBeInstanceOf(Promise);
    sink.credit(3);
    await Promise.resolve();
    sink.credit(10);
    await write;
    expect(sink.text()).toBe('abcdefgh');
    expect(await thrown(() => stream.blockingWriteAndFlush(new Uint8Array(4_097)))).toBeInstanceOf(Error);
  });

  test('without room the guest waits, and sees the end of the target', async () => {
    const sink = new TestSink(0);
    const stream = open(sink);
    const pollable = stream.subscribe();
    expect(stream.checkWrite()).toBe(0n);
    expect(pollable.ready()).toBe(false);
    const block = pollable.block();
    sink.credit(5);
    await block;
    expect(stream.checkWrite()).toBe(5n);
    sink.close('the caller is gone');
    expect(await thrown(() => stream.checkWrite())).toMatchObject({ tag: 'last-operation-failed' });
    expect(await thrown(() => stream.blockingFlush())).toEqual({ tag: 'closed' });
    expect(pollable.ready()).toBe(true);
  });

  test('every wait ends with the call', async () => {
    const controller = call();
    const stream = open(new TestSink(0), controller);
    const source = InputStream.of(new TestSource().push('x'), controller.signal);
    const waits = [
      stream.blockingFlush(),
      stream.blockingWriteAndFlush(Buffer.from('x')),
      stream.blockingSplice(source, 1n),
      stream.subscribe().block(),
    ].map((wait) => thrown(() => wait));
    const reason = new Error('the deadline');
    controller.abort(reason);
    expect(await Promise.all(waits)).toEqual([reason, reason, reason, reason]);
  });

  test("checks the types of arguments against a guest's false imports", async () => {
    const sink = new TestSink(10);
    const stream = open(sink);
    stream.checkWrite();
    const wrong = (value: unknown) => value as never;
    for (const contents of ['text', 5, new Float64Array(1), { byteLength: 0 }, undefined].map(wrong)) {
      expect(await thrown(() => stream.write(contents))).toBeInstanceOf(TypeError);
      expect(await thrown(() => stream.blockingWriteAndFlush(contents))).toBeInstanceOf(TypeError);
    }
    const input = InputStream.of(new TestSource().push('abc'), call().signal);
    for (const length of [5, -5n, Number.NaN, 'x', undefined].map(wrong)) {
      expect(await thrown(() => stream.writeZeroes(length))).toBeInstanceOf(TypeError);
      expect(await thrown(() => stream.splice(input, length))).toBeInstanceOf(TypeError);
      expect(await thrown(() => input.read(length))).toBeInstanceOf(TypeError);
      expect(await thrown(() => input.blockingSkip(length))).toBeInstanceOf(TypeError);
    }
    expect(stream.checkWrite()).toBe(10n);
    expect(sink.bytes).toBe(0);
  });

  test('splices as many bytes as there are, and as fit', async () => {
    const sink = new TestSink(4);
    const stream = open(sink);
    const source = new TestSource().push('abcdef');
    const input = InputStream.of(source, call().signal);
    expect(stream.splice(input, huge)).toBe(4n);
    expect(stream.splice(input, huge)).toBe(0n);
    const splice = stream.blockingSplice(input, 1n);
    sink.credit(100);
    expect(await splice).toBe(1n);
    expect(await stream.blockingSplice(input, huge)).toBe(1n);
    const last = stream.blockingSplice(input, huge);
    source.push('g').end();
    expect(await last).toBe(1n);
    expect(await thrown(() => stream.blockingSplice(input, 1n))).toEqual({ tag: 'closed' });
    expect(sink.text()).toBe('abcdefg');
  });
});
