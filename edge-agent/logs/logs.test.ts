import { expect, test } from 'vitest';
import { createLogs } from './logs.ts';

const line = (text: string) => ({ time: 0, invocation: 'i', revision: 1, source: 'stdout', text });
const texts = (lines: readonly { text: string }[]) => lines.map(({ text }) => text);

test('returns the newest lines of one function, oldest first', () => {
  const logs = createLogs();
  for (const text of ['a', 'b', 'c']) logs.add('f', line(text));
  logs.add('g', line('other'));
  expect(texts(logs.last('f', 2))).toEqual(['b', 'c']);
  expect(texts(logs.last('f', 100))).toEqual(['a', 'b', 'c']);
  expect(logs.last('f', 0)).toEqual([]);
  expect(logs.last('unknown', 5)).toEqual([]);
  logs.forget('f');
  expect(logs.last('f', 100)).toEqual([]);
});

test('keeps 1,000 lines and 256 KiB of a function', () => {
  const logs = createLogs();
  for (let index = 0; index < 2_500; index++) logs.add('many', line(String(index)));
  expect(texts(logs.last('many', 5_000))).toEqual(Array.from({ length: 1_000 }, (_, index) => String(1_500 + index)));
  for (let index = 0; index < 100; index++) logs.add('long', line('x'.repeat(4_096)));
  const kept = logs.last('long', 1_000);
  expect(kept.length * (4_096 + 128)).toBeLessThanOrEqual(256 * 1024);
  expect(kept.length).toBeGreaterThan(60);
});

test('keeps 8 MiB of all, and evicts the function that has been silent longest', () => {
  const logs = createLogs();
  const fill = (id: string) => {
    for (let index = 0; index < 62; index++) logs.add(id, line('x'.repeat(4_096)));
  };
  for (let index = 0; index < 32; index++) fill(`f${index}`);
  logs.add('f0', line('again'));
  fill('f32');
  expect(logs.last('f1', 1)).toEqual([]);
  expect(texts(logs.last('f0', 1))).toEqual(['again']);
  expect(logs.last('f32', 100)).toHaveLength(62);
});
