import { expect, test } from 'vitest';
import { createBell } from './wakeup.ts';

test('a ring is heard once, whether it comes before or after, unless it was forgotten', async () => {
  const bell = createBell();
  bell.ring();
  expect(await bell.heard()).toBe(true);
  bell.ring();
  bell.clear();
  const hearing = bell.heard();
  bell.ring();
  expect(await hearing).toBe(true);
  expect(await bell.heard({ withinMs: 1 })).toBe(false);
});

test('of the moments to ring at the earliest counts', async () => {
  const bell = createBell();
  bell.ringIn(60_000);
  bell.ringIn(1);
  bell.ringIn(60_000);
  expect(await bell.heard()).toBe(true);
  expect(await bell.heard({ withinMs: 20 })).toBe(false);
});

test('who hears ends with the signal', async () => {
  const closing = new AbortController();
  const bell = createBell();
  const hearing = bell.heard({ withinMs: 60_000, signal: closing.signal });
  closing.abort();
  expect(await hearing).toBe(false);
  expect(await bell.heard({ signal: closing.signal })).toBe(false);
  bell.ring();
  expect(await bell.heard({ signal: closing.signal })).toBe(true);
});
