import { expect, test } from 'vitest';
import { createByteCache } from './bundle-cache.ts';

const bytes = (size: number) => new Uint8Array(size);

test('evicts the least recently used bundles when all together are over the limit', () => {
  const cache = createByteCache(10);
  cache.set('a', bytes(4));
  cache.set('b', bytes(4));
  cache.get('a');
  cache.set('c', bytes(4));
  expect(['a', 'b', 'c'].filter((key) => cache.get(key))).toEqual(['a', 'c']);
});

test('a replaced bundle frees its bytes', () => {
  const cache = createByteCache(10);
  cache.set('a', bytes(8));
  cache.set('a', bytes(2));
  cache.set('b', bytes(8));
  expect(cache.get('a')?.byteLength).toBe(2);
  expect(cache.get('b')?.byteLength).toBe(8);
});

test('a bundle over the limit is not kept, nor the one that it replaces', () => {
  const cache = createByteCache(10);
  cache.set('a', bytes(1));
  cache.set('b', bytes(1));
  cache.set('b', bytes(11));
  expect(cache.get('b')).toBeUndefined();
  expect(cache.get('a')).toBeDefined();
});
