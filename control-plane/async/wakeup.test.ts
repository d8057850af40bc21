import { expect, test } from 'vitest';
import { createWakeup } from './wakeup.ts';

test('a signal is received once, before or after the wait begins, unless it is cleared', async () => {
  const wakeup = createWakeup();
  wakeup.wake();
  expect(await wakeup.wait()).toBe(true);
  wakeup.wake();
  wakeup.clear();
  const hearing = wakeup.wait();
  wakeup.wake();
  expect(await hearing).toBe(true);
  expect(await wakeup.wait({ withinMs: 1 })).toBe(false);
});

test('of several delayed signals the earliest counts', async () => {
  const wakeup = createWakeup();
  wakeup.wakeIn(60_000);
  wakeup.wakeIn(1);
  wakeup.wakeIn(60_000);
  expect(await wakeup.wait()).toBe(true);
  expect(await wakeup.wait({ withinMs: 20 })).toBe(false);
});

test('an aborted signal ends the wait', async () => {
  const closing = new AbortController();
  const wakeup = createWakeup();
  const hearing = wakeup.wait({ withinMs: 60_000, signal: closing.signal });
  closing.abort();
  expect(await hearing).toBe(false);
  expect(await wakeup.wait({ signal: closing.signal })).toBe(false);
  wakeup.wake();
  expect(await wakeup.wait({ signal: closing.signal })).toBe(true);
});
