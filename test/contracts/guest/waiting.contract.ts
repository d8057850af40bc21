/** Many guests that wait at once in one thread, and the isolation of their instances. */
import { beforeAll, describe, expect, test } from 'vitest';
import { TestChannel } from '../../../edge-agent/runner/host/http/testing/channel.ts';
import { frame, loadFixture } from '../../../edge-agent/runner/host/http/testing/function.ts';
import type { LoadedFunction } from '../../../edge-agent/runner/host/instances/loaded-function.ts';

/** Both ways to make instances must pass. */
export function waitingCases(way: 'glue' | 'plan'): void {
  const MiB = 1_048_576;
  let wait: LoadedFunction;
  let http: LoadedFunction;
  beforeAll(async () => {
    [wait, http] = await Promise.all([loadFixture('wait', way), loadFixture('http', way)]);
  });

  const waitFor = (ms: number, channel = new TestChannel()) =>
    wait.call(frame({ input: Buffer.from(String(ms)) }), channel);

  const sleep = (channel: TestChannel, reuse: boolean) => {
    channel.body.end();
    return http.call(frame({ reuse }), channel);
  };

  describe('guests that wait', () => {
    test('1,000 guests wait at once in one thread', async () => {
      await waitFor(1);
      const before = process.memoryUsage.rss();
      const start = performance.now();
      const calls = Array.from({ length: 1_000 }, () => waitFor(1_000));
      expect(calls.every((call) => call instanceof Promise)).toBe(true);
      const grown = process.memoryUsage.rss() - before;
      const outcomes = await Promise.all(calls);
      expect(outcomes.filter(({ ok }) => ok)).toHaveLength(1_000);
      expect(performance.now() - start).toBeLessThan(10_000);
      expect(grown).toBeLessThan(250 * MiB);
    });

    test('each guest ends with its own call, and the others go on', async () => {
      const channels = [new TestChannel(), new TestChannel()] as const;
      const calls = [waitFor(100_000, channels[0]), waitFor(30, channels[1])];
      channels[0].controller.abort(new Error('the deadline'));
      const [ended, went] = await Promise.all(calls);
      expect(ended).toMatchObject({ ok: false, message: 'the deadline' });
      expect(went).toMatchObject({ ok: true });
    });
  });

  describe('reuse', () => {
    const counts = (channels: readonly TestChannel[]) => channels.map(({ sink }) => JSON.parse(sink.text()).count);

    test('no instance gets a second call while the first is in it', async () => {
      const channels = Array.from({ length: 12 }, () => new TestChannel({ path: '/sleep?30' }));
      await Promise.all(channels.map((channel) => sleep(channel, true)));
      expect(counts(channels)).toEqual(Array(12).fill(1));
      const again = Array.from({ length: 12 }, () => new TestChannel({ path: '/sleep?30' }));
      await Promise.all(again.map((channel) => sleep(channel, true)));
      // Eight instances were kept; the others are new.
      expect(counts(again).toSorted()).toEqual([...Array(4).fill(1), ...Array(8).fill(2)]);
    });

    test('an instance is not kept for a call with another environment', async () => {
      const call = async (name: string) => {
        const channel = new TestChannel({});
        channel.body.end();
        const environment = JSON.stringify({ env: { NAME: name } });
        await http.call(frame({ reuse: true, environment }), channel);
        return channel;
      };
      const channels = [await call('a'), await call('a'), await call('b'), await call('a')];
      expect(counts(channels)).toEqual([1, 2, 1, 1]);
    });
  });
}
