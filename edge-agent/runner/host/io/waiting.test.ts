/** Polls and clocks: a wait lasts no longer than its call, and leaves nothing behind. */
import { describe, expect, test, vi } from 'vitest';
import { TestSource } from '../http/testing/channel.ts';
import { createMonotonicClock } from './clocks.ts';
import { createGate } from './gate.ts';
import { Pollable } from './pollable.ts';
import { InputStream } from './streams.ts';

const millisecond = 1_000_000n;
const never = new AbortController().signal;

describe('poll', () => {
  test('gives all pollables that are ready, at once if there are some', async () => {
    const [ready, waiting] = [new TestSource().push('x'), new TestSource()];
    const pollables = [waiting, ready, waiting].map((source) => InputStream.of(source, never).subscribe());
    expect(Pollable.poll(pollables)).toEqual(Uint32Array.of(1));
    const none = pollables.filter((pollable) => !pollable.ready());
    const polled = Pollable.poll(none);
    waiting.end();
    expect(await polled).toEqual(Uint32Array.of(0, 1));
  });

  test('an empty or too long poll ends the guest', () => {
    expect(() => Pollable.poll([])).toThrow(Error);
    expect(() => Pollable.poll(Array.from({ length: 100_001 }, () => new Pollable()))).toThrow(Error);
  });

  test('ends with the call', async () => {
    const controller = new AbortController();
    const polled = Pollable.poll([InputStream.of(new TestSource(), controller.signal).subscribe()]);
    controller.abort(new Error('the deadline'));
    await expect(polled).rejects.toThrow('the deadline');
  });

  test('repeated polls with one that is never ready leave nothing with it', async () => {
    const asked = vi.fn(() => new Promise<void>(() => {}));
    const gate = createGate(() => false, asked);
    for (let round = 0; round < 100; round++) {
      const source = new TestSource();
      const polled = Pollable.poll([Pollable.of(gate, never), InputStream.of(source, never).subscribe()]);
      source.end();
      expect(await polled).toEqual(Uint32Array.of(1));
    }
    expect(asked).toHaveBeenCalledTimes(1);
  });
});

describe('the monotonic clock', () => {
  const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;

  test('wakes at its time, and not before', async () => {
    const clock = createMonotonicClock(never);
    const start = clock.now();
    await clock.subscribeDuration(20n * millisecond).block();
    expect(clock.now() - start).toBeGreaterThanOrEqual(20n * millisecond);
    const instant = clock.subscribeInstant(clock.now() + 5n * millisecond);
    expect(instant.ready()).toBe(false);
    await instant.block();
    expect(instant.ready()).toBe(true);
    expect(clock.subscribeDuration(0n).ready()).toBe(true);
  });

  test('the longest possible wait works, and its timer ends with the call', async () => {
    const controller = new AbortController();
    const clock = createMonotonicClock(controller.signal);
    const before = timers();
    const wait = clock.subscribeDuration(2n ** 64n - 1n).block();
    expect(timers()).toBe(before + 1);
    controller.abort(new Error('the deadline'));
    await expect(wait).rejects.toThrow('the deadline');
    expect(timers()).toBe(before);
  });

  test('no timer runs without a waiter', () => {
    const before = timers();
    createMonotonicClock(never).subscribeDuration(1_000n * millisecond);
    expect(timers()).toBe(before);
  });
});
