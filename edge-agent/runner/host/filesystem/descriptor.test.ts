/** The rules of wasi:filesystem over the scratch, called as jco's glue does. */
import { beforeEach, describe, expect, test } from 'vitest';
import type { CallChannel } from '../../protocol/channel.ts';
import { InputStream, OutputStream } from '../io/streams.ts';
import type { Descriptor } from './descriptor.ts';
import { createFilesystem } from './filesystem.ts';

const MiB = 1024 * 1024;
const signal = new AbortController().signal;
const nobody = () => ({ signal }) as CallChannel;

let time = 1_000_000_000n;
let root: Descriptor;
let errorCode: (error: unknown) => string | undefined;
beforeEach(() => {
  time = 1_000_000_000n;
  const made = createFilesystem(nobody, [], () => time);
  const { getDirectories } = made['wasi:filesystem/preopens'] as { getDirectories(): [Descriptor, string][] };
  const [first] = getDirectories();
  if (!first) throw new Error('no directory');
  root = first[0];
  errorCode = (made['wasi:filesystem/types'] as { filesystemErrorCode: typeof errorCode }).filesystemErrorCode;
});

const both = { read: true, write: true };
const create = (path: string, how = {}) => root.openAt({}, path, { create: true, ...how }, both);
const bytes = (text: string) => Buffer.from(text);
const contentOf = (file: Descriptor) => Buffer.from(file.read(1_000n, 0n)[0]).toString();
const codeOf = (work: () => unknown): unknown => {
  try {
    return work();
  } catch (code) {
    return code;
  }
};
const namesIn = (directory: Descriptor): string[] => {
  const stream = directory.readDirectory();
  const names: string[] = [];
  for (let entry = stream.readDirectoryEntry(); entry; entry = stream.readDirectoryEntry()) names.push(entry.name);
  return names;
};

describe('a file', () => {
  test('is written and read at offsets', () => {
    const file = create('a');
    expect(file.write(bytes('hello'), 2n)).toBe(5n);
    expect(contentOf(file)).toBe('\0\0hello');
    expect(file.read(3n, 2n)).toEqual([Uint8Array.from(bytes('hel')), false]);
    expect(file.read(3n, 7n)).toEqual([new Uint8Array(0), true]);
    expect(file.read(2n ** 64n - 1n, 0n)[0]).toHaveLength(7);
    file.setSize(4n);
    expect(contentOf(file)).toBe('\0\0he');
    file.setSize(6n);
    expect(contentOf(file)).toBe('\0\0he\0\0');
  });

  test('is a stream both ways', () => {
    const file = create('a');
    const out = file.writeViaStream(0n);
    expect(out).toBeInstanceOf(OutputStream);
    out.checkWrite();
    out.write(bytes('one'));
    const more = file.appendViaStream();
    more.checkWrite();
    more.write(bytes(' two'));
    const input = file.readViaStream(2n);
    expect(input).toBeInstanceOf(InputStream);
    expect(Buffer.from(input.read(100n)).toString()).toBe('e two');
    expect(codeOf(() => input.blockingRead(100n))).toEqual({ tag: 'closed' });
  });

  test('reports why its stream failed', () => {
    const out = create('a').writeViaStream(BigInt(16 * MiB));
    out.checkWrite();
    out.write(bytes('beyond'));
    const failed = codeOf(() => out.checkWrite()) as { tag: string; val: unknown };
    expect(failed.tag).toBe('last-operation-failed');
    expect(errorCode(failed.val)).toBe('insufficient-space');
  });

  test('has times', () => {
    const file = create('a');
    time = 5_500_000_000n;
    file.write(bytes('x'), 0n);
    expect(file.stat()).toMatchObject({
      type: 'regular-file',
      size: 1n,
      linkCount: 1n,
      dataAccessTimestamp: { seconds: 1n, nanoseconds: 0 },
      dataModificationTimestamp: { seconds: 5n, nanoseconds: 500_000_000 },
    });
    const at = (seconds: bigint, nanoseconds: number) => ({ tag: 'timestamp' as const, val: { seconds, nanoseconds } });
    file.setTimes(at(7n, 8), { tag: 'no-change' });
    expect(root.statAt({}, 'a')).toMatchObject({
      dataAccessTimestamp: { seconds: 7n, nanoseconds: 8 },
      dataModificationTimestamp: { seconds: 5n, nanoseconds: 500_000_000 },
    });
    root.setTimesAt({}, 'a', { tag: 'no-change' }, { tag: 'now' });
    expect(file.stat().dataModificationTimestamp).toEqual({ seconds: 5n, nanoseconds: 500_000_000 });
    expect(codeOf(() => file.setTimes(at(2n ** 64n - 1n, 0), { tag: 'now' }))).toBe('overflow');
    expect(codeOf(() => file.setTimes(at(0n, 2 ** 32 - 1), { tag: 'now' }))).toBe('invalid');
  });

  test('is opened with the requested flags', () => {
    expect(codeOf(() => root.openAt({}, 'a', {}, both))).toBe('no-entry');
    create('a').write(bytes('x'), 0n);
    expect(codeOf(() => create('a', { exclusive: true }))).toBe('exist');
    expect(codeOf(() => root.openAt({}, 'a', { directory: true }, {}))).toBe('not-directory');
    expect(codeOf(() => root.openAt({}, 'a/', {}, {}))).toBe('not-directory');
    expect(codeOf(() => root.openAt({}, 'a/b', {}, {}))).toBe('not-directory');
    expect(codeOf(() => create('b', { directory: true }))).toBe('invalid');
    expect(create('a', { truncate: true }).stat().size).toBe(0n);
    const reading = root.openAt({}, 'a', {}, { read: true });
    expect(codeOf(() => reading.write(bytes('x'), 0n))).toBe('bad-descriptor');
    expect(codeOf(() => reading.setSize(1n))).toBe('bad-descriptor');
    const writing = root.openAt({}, 'a', {}, { write: true });
    expect(codeOf(() => writing.read(1n, 0n))).toBe('bad-descriptor');
    expect(reading.getFlags()).toEqual({ read: true, write: false });
  });

  test('at a huge offset is refused', () => {
    const file = create('a');
    for (const place of [2n ** 64n - 1n, 2n ** 53n]) {
      expect(codeOf(() => file.write(bytes('x'), place))).toBe('file-too-large');
      expect(codeOf(() => file.read(1n, place))).toBe('file-too-large');
      expect(codeOf(() => file.setSize(place))).toBe('file-too-large');
    }
  });
});

describe('a directory', () => {
  test('has entries that are created, listed, moved and removed', () => {
    root.createDirectoryAt('d');
    root.createDirectoryAt('d/e');
    create('d/f').write(bytes('f'), 0n);
    expect(namesIn(root)).toEqual(['tmp', 'd']);
    const directory = root.openAt({}, 'd', { directory: true }, { read: true });
    expect(namesIn(directory)).toEqual(['e', 'f']);
    root.renameAt('d/f', directory, 'e/g');
    expect(contentOf(root.openAt({}, 'd/e/g', {}, { read: true }))).toBe('f');
    expect(codeOf(() => root.removeDirectoryAt('d/e'))).toBe('not-empty');
    expect(codeOf(() => root.unlinkFileAt('d/e'))).toBe('is-directory');
    root.unlinkFileAt('d/e/g');
    root.removeDirectoryAt('d/e/');
    expect(namesIn(directory)).toEqual([]);
    expect(codeOf(() => directory.read(1n, 0n))).toBe('is-directory');
    expect(codeOf(() => root.createDirectoryAt('.'))).toBe('exist');
    expect(codeOf(() => root.removeDirectoryAt('d/..'))).toBe('invalid');
  });

  test('cannot be moved into itself, nor over a directory that is not empty', () => {
    root.createDirectoryAt('d');
    root.createDirectoryAt('d/e');
    root.createDirectoryAt('x');
    create('f');
    expect(codeOf(() => root.renameAt('d', root, 'd/e/inside'))).toBe('invalid');
    expect(codeOf(() => root.renameAt('x', root, 'd'))).toBe('not-empty');
    expect(codeOf(() => root.renameAt('x', root, 'f'))).toBe('not-directory');
    expect(codeOf(() => root.renameAt('f', root, 'x'))).toBe('is-directory');
    root.renameAt('d', root, 'd');
    expect(namesIn(root)).toEqual(['tmp', 'd', 'x', 'f']);
  });

  test('that was removed takes no entries', () => {
    root.createDirectoryAt('d');
    const directory = root.openAt({}, 'd', {}, {});
    root.removeDirectoryAt('d');
    expect(codeOf(() => directory.openAt({}, 'a', { create: true }, both))).toBe('no-entry');
    expect(codeOf(() => directory.createDirectoryAt('a'))).toBe('no-entry');
  });

  test('has no links', () => {
    expect(codeOf(() => root.symlinkAt())).toBe('not-permitted');
    expect(codeOf(() => root.linkAt())).toBe('not-permitted');
    expect(codeOf(() => root.readlinkAt())).toBe('not-permitted');
  });
});

test('compares objects by identity', () => {
  const file = create('a');
  const same = root.openAt({}, './a', {}, {});
  const other = create('b');
  expect(file.isSameObject(same)).toBe(true);
  expect(file.isSameObject(other)).toBe(false);
  expect(file.metadataHash()).toEqual(root.metadataHashAt({}, 'a'));
  expect(file.metadataHash()).not.toEqual(other.metadataHash());
});

describe('limits', () => {
  test('one read or write moves at most 1 MiB', () => {
    const file = create('a');
    expect(file.write(new Uint8Array(3 * MiB), 0n)).toBe(BigInt(MiB));
    expect(file.write(new Uint8Array(MiB), BigInt(MiB))).toBe(BigInt(MiB));
    expect(file.read(2n ** 40n, 0n)[0]).toHaveLength(MiB);
  });

  test('16 MiB in all, and removed and closed files make room', () => {
    const file = create('a');
    file.setSize(BigInt(16 * MiB));
    const other = create('b');
    expect(codeOf(() => other.write(bytes('x'), 0n))).toBe('insufficient-space');
    root.unlinkFileAt('a');
    expect(codeOf(() => other.write(bytes('x'), 0n))).toBe('insufficient-space');
    const stream = file.writeViaStream(0n);
    file[Symbol.dispose]();
    expect(other.write(bytes('x'), 0n)).toBe(1n);
    stream.checkWrite();
    stream.write(bytes('x'));
    expect(codeOf(() => stream.checkWrite())).toMatchObject({ tag: 'last-operation-failed' });
    expect(other.stat().size).toBe(1n);
  });

  test('4,096 descriptors at once', () => {
    const open = [create('a')];
    while (open.length < 4_095) open.push(root.openAt({}, 'a', {}, {}));
    expect(codeOf(() => root.openAt({}, 'a', {}, {}))).toBe('insufficient-memory');
    open.pop()?.[Symbol.dispose]();
    expect(root.openAt({}, 'a', {}, {}).getType()).toBe('regular-file');
  });
});

test('the scratch is where no grant is', () => {
  const places = (guests: string[]) => {
    const made = createFilesystem(
      nobody,
      guests.map((guest) => ({ guest, mode: 'ro' as const })),
    );
    const { getDirectories } = made['wasi:filesystem/preopens'] as { getDirectories(): [Descriptor, string][] };
    return getDirectories().map(([, path]) => path);
  };
  expect(places([])).toEqual(['/']);
  expect(places(['/data'])).toEqual(['/', '/data']);
  expect(places(['/'])).toEqual(['/tmp', '/']);
  expect(places(['/', '/tmp'])).toEqual(['/', '/tmp']);
});
