import { expect, test } from 'vitest';
import { createSealing } from './sealing.ts';

const key = Buffer.alloc(32, 7);

test('a sealed value opens only with the same key and purpose, and only unchanged', () => {
  const sealing = createSealing(key);
  const sealed = sealing.seal('hunter2', 'secret:a');
  expect(Buffer.from(sealed).includes('hunter2')).toBe(false);
  expect(sealing.open(sealed, 'secret:a')).toBe('hunter2');
  expect(() => sealing.open(sealed, 'secret:b')).toThrow('sealed with another key');
  expect(() => createSealing(Buffer.alloc(32, 8)).open(sealed, 'secret:a')).toThrow('sealed with another key');
  for (let at = 0; at < sealed.byteLength; at += 1) {
    const changed = Uint8Array.from(sealed);
    changed[at] = (changed[at] ?? 0) ^ 1;
    expect(() => sealing.open(changed, 'secret:a')).toThrow('sealed with another key');
  }
});

test('sealing twice gives different bytes', () => {
  const sealing = createSealing(key);
  expect(sealing.seal('a', 'p')).not.toEqual(sealing.seal('a', 'p'));
});

test('a derived key is the same for one purpose, and another for another purpose', () => {
  const sealing = createSealing(key);
  expect(sealing.derive('callback')).toEqual(sealing.derive('callback'));
  expect(sealing.derive('callback')).not.toEqual(sealing.derive('other'));
  expect(sealing.derive('callback')).toHaveLength(32);
});
