/** wasi:keyvalue, config and logging, called as jco's glue calls them, with the agent's own store behind them. */
import { grantsSchema } from '@skerry/shared/function/manifest.ts';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { answerKeyvalue } from '../../../capabilities/keyvalue/execute.ts';
import { type AgentStore, openStore } from '../../../storage/store.ts';
import type { CapabilityRequest, KeyvalueRequest } from '../../protocol/capability-requests.ts';
import type { CallChannel } from '../../protocol/channel.ts';
import { createConfig } from './config.ts';
import { createKeyvalue } from './keyvalue.ts';
import { createLogging } from './logging.ts';

type Bucket = {
  get(key: string): Uint8Array | undefined;
  set(key: string, value: Uint8Array): void;
  delete(key: string): void;
  exists(key: string): boolean;
  listKeys(cursor?: string): { keys: string[]; cursor: string | undefined };
};
type Cas = { current(): Uint8Array | undefined };
type Interfaces = {
  'wasi:keyvalue/store': { open(name: string): Bucket; Bucket: new () => Bucket };
  'wasi:keyvalue/atomics': {
    increment(bucket: Bucket, key: string, delta: bigint): bigint;
    swap(cas: Cas, value: Uint8Array): void;
    Cas: { new (bucket: Bucket, key: string): Cas; new: (bucket: Bucket, key: string) => Cas };
  };
  'wasi:keyvalue/batch': {
    getMany(bucket: Bucket, keys: string[]): ([string, Uint8Array] | undefined)[];
    setMany(bucket: Bucket, pairs: [string, Uint8Array][]): void;
    deleteMany(bucket: Bucket, keys: string[]): void;
  };
};

let store: AgentStore;
beforeEach(() => {
  store = openStore(':memory:');
});
afterEach(() => store.close());

const keyvalue = (limitBytes = grantsSchema.parse({}).keyvalue_bytes): Interfaces =>
  createKeyvalue(
    () =>
      ({
        askNow: (ask: CapabilityRequest, bytes = new Uint8Array(0)) =>
          answerKeyvalue(store.keyvalue, { function: 'f', limitBytes }, ask as KeyvalueRequest, bytes),
      }) as unknown as CallChannel,
  ) as unknown as Interfaces;

const bytes = (text: string) => Buffer.from(text);
const textOf = (value: Uint8Array | undefined) => value && Buffer.from(value).toString();
const thrown = (work: () => unknown): unknown => {
  try {
    return work();
  } catch (error) {
    return error;
  }
};

test('a bucket keeps values', () => {
  const { open, Bucket } = keyvalue()['wasi:keyvalue/store'];
  const bucket = open('default');
  expect(bucket).toBeInstanceOf(Bucket);
  bucket.set('k', bytes('value'));
  expect(textOf(bucket.get('k'))).toBe('value');
  expect(textOf(open('default').get('k'))).toBe('value');
  expect(open('other').get('k')).toBeUndefined();
  expect(bucket.exists('k')).toBe(true);
  bucket.set('empty', bytes(''));
  expect(bucket.get('empty')).toHaveLength(0);
  expect(bucket.listKeys()).toEqual({ keys: ['empty', 'k'], cursor: undefined });
  bucket.delete('k');
  expect(bucket.exists('k')).toBe(false);
});

test('keys are listed page after page', () => {
  const bucket = keyvalue()['wasi:keyvalue/store'].open('b');
  for (let index = 0; index < 750; index++) bucket.set(`k${String(index).padStart(3, '0')}`, bytes(''));
  const first = bucket.listKeys();
  expect(first).toMatchObject({ cursor: 'k499' });
  expect(bucket.listKeys(first.cursor)).toMatchObject({ cursor: undefined, keys: { length: 250 } });
});

test('a refusal is the guest\u2019s error', () => {
  const bucket = keyvalue()['wasi:keyvalue/store'].open('b');
  expect(thrown(() => keyvalue(0)['wasi:keyvalue/store'].open('b'))).toEqual({ tag: 'access-denied' });
  expect(thrown(() => keyvalue()['wasi:keyvalue/store'].open('b'.repeat(300)))).toEqual({ tag: 'no-such-store' });
  expect(thrown(() => bucket.set('k'.repeat(2_000), bytes('')))).toMatchObject({ tag: 'other' });
  expect(
    thrown(() =>
      keyvalue(100)
        ['wasi:keyvalue/store'].open('b')
        .set('k', bytes('x'.repeat(100))),
    ),
  ).toMatchObject({
    tag: 'other',
    val: expect.stringContaining('limit of 100 bytes'),
  });
});

test('atomics count, and swap only what was seen', () => {
  const all = keyvalue();
  const bucket = all['wasi:keyvalue/store'].open('b');
  const { increment, swap, Cas } = all['wasi:keyvalue/atomics'];
  expect(increment(bucket, 'n', 2n)).toBe(2n);
  expect(increment(bucket, 'n', -5n)).toBe(-3n);
  const cas = Cas.new(bucket, 's');
  expect(cas.current()).toBeUndefined();
  swap(cas, bytes('one'));
  const again = Cas.new(bucket, 's');
  bucket.set('s', bytes('meanwhile'));
  const failed = thrown(() => swap(again, bytes('two'))) as { tag: string; val: Cas };
  expect(failed.tag).toBe('cas-failed');
  expect(textOf(failed.val.current())).toBe('meanwhile');
  swap(failed.val, bytes('three'));
  expect(textOf(bucket.get('s'))).toBe('three');
  const large = Cas.new(bucket, 'large');
  expect(thrown(() => swap(large, new Uint8Array(2_000_000)))).toMatchObject({
    tag: 'store-error',
    val: { tag: 'other' },
  });
});

test('batches run one operation after another, within a bound', () => {
  const all = keyvalue();
  const bucket = all['wasi:keyvalue/store'].open('b');
  const { getMany, setMany, deleteMany } = all['wasi:keyvalue/batch'];
  setMany(bucket, [
    ['a', bytes('1')],
    ['b', bytes('2')],
  ]);
  expect(getMany(bucket, ['b', 'missing', 'a']).map((pair) => pair && [pair[0], textOf(pair[1])])).toEqual([
    ['b', '2'],
    undefined,
    ['a', '1'],
  ]);
  deleteMany(bucket, ['a', 'b']);
  expect(bucket.listKeys().keys).toEqual([]);
  const many = Array.from({ length: 1_001 }, String);
  expect(thrown(() => getMany(bucket, many))).toMatchObject({ tag: 'other' });
});

test('config has the declared values and nothing else', () => {
  const read = createConfig({ colour: 'red', empty: '' })['wasi:config/store'] as {
    get(key: string): string | undefined;
    getAll(): [string, string][];
  };
  expect(read.get('colour')).toBe('red');
  expect(read.get('empty')).toBe('');
  for (const key of ['missing', '__proto__', 'constructor', 'toString']) expect(read.get(key)).toBeUndefined();
  expect(read.getAll()).toEqual([
    ['colour', 'red'],
    ['empty', ''],
  ]);
});

test('logging writes lines with their level and context', () => {
  const lines: [string, string][] = [];
  const channel = { log: (source: string, text: string) => lines.push([source, text]) } as unknown as CallChannel;
  const { log } = createLogging(() => channel)['wasi:logging/logging'] as {
    log(level: string, context: string, message: string): void;
  };
  log('warn', 'part\none', 'first\r\nsecond\n');
  log('info', '', '');
  log('error', 'c'.repeat(1_000), 'x'.repeat(1_000_000));
  expect(lines.slice(0, 3)).toEqual([
    ['warn', 'part one: first'],
    ['warn', 'part one: second'],
    ['info', ''],
  ]);
  expect(lines[3]?.[1]).toHaveLength(256 + 2 + 65_536);
});
