import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { computeDigest } from '@skerry/shared/function/bundle.ts';
import { grantsSchema } from '@skerry/shared/function/manifest.ts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { KeyvalueRequest } from '../../runner/protocol/capability-requests.ts';
import { type AgentStore, openStore } from '../../storage/store.ts';
import { type CapabilityHost, createCapabilityHost } from '../capabilities.ts';

let directory: string;
let store: AgentStore;
let capabilities: CapabilityHost;
const open = () => {
  store = openStore(join(directory, 'agent.db'));
  capabilities = createCapabilityHost({ offered: [], keyvalue: store.keyvalue });
};
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'skerry-keyvalue-'));
  open();
});
afterEach(() => {
  store.close();
  rmSync(directory, { recursive: true });
});

type Operation<A = KeyvalueRequest> = A extends KeyvalueRequest ? Omit<A, 'do' | 'bucket'> : never;
type Options = { bucket?: string; text?: string | Uint8Array; fn?: string; limit?: number };

async function ask(operation: Operation, { bucket = 'b', text = '', fn = 'f', limit = 10_000 }: Options = {}) {
  const grants = grantsSchema.parse({ keyvalue_bytes: limit });
  const whole = { do: 'keyvalue', bucket, ...operation } as KeyvalueRequest;
  const { reply, bytes } = await capabilities.answer({ function: fn, grants }, whole, Buffer.from(text));
  return reply.error ?? (operation.op === 'get' && reply.value ? Buffer.from(bytes).toString() : reply.value);
}
const set = (key: string, text: string | Uint8Array, options: Options = {}) =>
  ask({ op: 'set', key }, { text, ...options });
const get = (key: string, options: Options = {}) => ask({ op: 'get', key }, options);

describe('kept', () => {
  test('stores values by key, bucket and function, through a restart', async () => {
    await set('k', 'one');
    await set('k', 'two', { bucket: 'other' });
    await set('k', 'three', { fn: 'g' });
    await set('a\0b', 'with a NUL');
    store.close();
    open();
    expect(await get('k')).toBe('one');
    expect(await get('k', { bucket: 'other' })).toBe('two');
    expect(await get('k', { fn: 'g' })).toBe('three');
    expect(await get('a\0b')).toBe('with a NUL');
    expect(await get('a')).toBe(false);
    expect(await ask({ op: 'exists', key: 'k' })).toBe(true);
    expect(await ask({ op: 'delete', key: 'k' })).toBeUndefined();
    expect(await get('k')).toBe(false);
    expect(await ask({ op: 'exists', key: 'k' })).toBe(false);
  });

  test('keeps values until the function is removed, and no longer', async () => {
    await set('k', 'one');
    await set('k', 'other', { fn: 'g' });
    capabilities.forget('f');
    expect(await get('k')).toBe(false);
    expect(await get('k', { fn: 'g' })).toBe('other');
    expect(await set('k', new Uint8Array(9_900))).toBeUndefined();
  });

  test('stores nothing for a function that the device does not hold, not even for its last call', async () => {
    const active = new Set(['f']);
    const { promise: waits, resolve: onTurn } = Promise.withResolvers<void>();
    const { promise: turn, resolve: giveTurn } = Promise.withResolvers<'go'>();
    capabilities = createCapabilityHost({
      offered: [],
      keyvalue: store.keyvalue,
      isActive: (functionId) => active.has(functionId),
      writeRate: {
        turn() {
          onTurn();
          return turn;
        },
        forget() {},
      },
    });
    const late = set('k', 'late');
    await waits;
    active.delete('f');
    capabilities.forget('f');
    giveTurn('go');
    expect(await late).toBe('access-denied');
    expect(await set('k', 'later')).toBe('access-denied');
    active.add('f');
    expect(await get('k')).toBe(false);
    expect(await set('k', 'anew')).toBeUndefined();
  });

  test('lists keys in pages', async () => {
    const keys = ['', ...Array.from({ length: 1_200 }, (_, index) => `key-${String(index).padStart(4, '0')}`)];
    const share = { function: 'f', bucket: 'b', limitBytes: 1_000_000 };
    for (const key of keys) store.keyvalue.set(share, key, Buffer.from(''));
    const found: string[] = [];
    let pages = 0;
    for (let after: string | null = null; ; pages++) {
      const page = (await ask({ op: 'keys', after })) as { keys: string[]; more: boolean };
      found.push(...page.keys);
      if (!page.more) break;
      after = page.keys.at(-1) ?? null;
    }
    expect(found).toEqual(keys);
    expect(pages).toBe(2);
  });

  test('counts numbers up and down', async () => {
    expect(await ask({ op: 'increment', key: 'n', delta: '5' })).toBe('5');
    expect(await ask({ op: 'increment', key: 'n', delta: '-7' })).toBe('-2');
    expect(await get('n')).toBe('-2');
    await set('n', String(2n ** 63n - 1n));
    expect(await ask({ op: 'increment', key: 'n', delta: '1' })).toContain('range');
    await set('n', 'text');
    expect(await ask({ op: 'increment', key: 'n', delta: '1' })).toContain('not a number');
  });

  test('swaps a value only while it is the expected one', async () => {
    const swap = (seen: string | undefined, text: string) =>
      ask({ op: 'swap', key: 's', seen: seen === undefined ? null : computeDigest(Buffer.from(seen)) }, { text });
    expect(await swap('something', 'x')).toBe(false);
    expect(await swap(undefined, 'first')).toBe(true);
    expect(await swap(undefined, 'x')).toBe(false);
    expect(await swap('first', 'second')).toBe(true);
    expect(await swap('first', 'x')).toBe(false);
    expect(await get('s')).toBe('second');
  });
});

describe('limits', () => {
  test('stores nothing without a share', async () => {
    for (const operation of [
      { op: 'get', key: 'k' },
      { op: 'keys', after: null },
      { op: 'set', key: 'k' },
    ] as const) {
      expect(await ask(operation, { limit: 0 })).toBe('access-denied');
    }
  });

  test('limits the size of a key, a value and a name', async () => {
    const limit = 10_000_000;
    expect(await set('k'.repeat(1_024), 'v', { limit })).toBeUndefined();
    expect(await set('k'.repeat(1_025), 'v', { limit })).toContain('1024');
    expect(await set('\u00e9'.repeat(513), 'v', { limit })).toContain('1024');
    expect(await set('k', new Uint8Array(1024 * 1024), { limit })).toBeUndefined();
    expect(await set('k', new Uint8Array(1024 * 1024 + 1), { limit })).toContain('1048576');
    expect(await set('k', '', { limit, bucket: 'b'.repeat(257) })).toBe('no-such-store');
    expect(await ask({ op: 'increment', key: 'n', delta: 'x' })).toBe('invalid');
  });

  test('limits everything together, counted again after a restart', async () => {
    expect(await set('a', new Uint8Array(9_000))).toBeUndefined();
    expect(await set('b', new Uint8Array(1_000))).toContain('limit of 10000');
    expect(await set('b', new Uint8Array(500))).toBeUndefined();
    store.close();
    open();
    expect(await set('c', new Uint8Array(500))).toContain('limit of 10000');
    expect(await set('a', new Uint8Array(100))).toBeUndefined();
    expect(await set('c', new Uint8Array(500))).toBeUndefined();
    expect(await set('c', new Uint8Array(9_000), { fn: 'g' })).toBeUndefined();
  });

  test('empty entries count as well', async () => {
    let kept = 0;
    while ((await set(String(kept).padStart(4, '0'), '')) === undefined) kept += 1;
    expect(kept).toBe(Math.floor(10_000 / (64 + 4 + 1)));
  });

  test('values over a lowered limit can be read, made smaller and deleted', async () => {
    await set('a', new Uint8Array(5_000));
    await set('b', new Uint8Array(4_000));
    const limit = 1_000;
    expect(await set('c', '', { limit })).toContain('limit of 1000');
    expect(await set('a', new Uint8Array(4_000), { limit })).toBeUndefined();
    expect(await ask({ op: 'exists', key: 'b' }, { limit })).toBe(true);
    expect(await ask({ op: 'delete', key: 'b' }, { limit })).toBeUndefined();
  });
});
