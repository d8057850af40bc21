/** Unused parts are dropped: threads, compiled code and at last the runner. The next call brings them back. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { fixture } from './fixture.ts';
import { type Site, startSite } from './platform-under-attack.ts';

const threads = 'skerry_agent_runner_threads';

let site: Site;
beforeAll(async () => {
  site = await startSite({ SKERRY_IDLE_MS: '500', SKERRY_THREADS: '3' });
  await site.deploy('wait', fixture('wait'));
  await site.deploy('busy', fixture('handler'), { limits: { timeout_ms: 300 } });
  await site.neighbour.stop();
}, 60_000);
afterAll(() => site?.close());

test('threads and the runner end when they are idle; the next call is cold, the one after it warm', async () => {
  // The threads are looked for while the calls run: on a slow machine all of them may be gone when the last one ends.
  const waiting = site.call('wait', 3_000);
  const seen = site.untilMetric(threads, (count) => count > 0);
  const ended = await Promise.all(Array.from({ length: 6 }, () => site.call('busy', 'spin')));
  const most = await seen;
  expect(most).toBeGreaterThan(0);
  expect(ended.map((reply) => reply.code)).toEqual(Array.from({ length: 6 }, () => 'function_timeout'));
  expect((await waiting).status, 'the call beside them was not touched').toBe(200);
  await site.untilMetric(threads, (count) => count === 0);
  await site.untilNoRunner();
  const idle = site.residentMb();
  const cold = await site.call('wait', 0);
  const warm = await site.call('wait', 0);
  console.log(
    `threads ${most} -> 0; agent alone ${idle.toFixed(0)} MiB; cold ${cold.ms.toFixed(0)} ms, warm ${warm.ms.toFixed(1)} ms`,
  );
  expect([cold.headers.get('x-skerry-cold'), warm.headers.get('x-skerry-cold')]).toEqual(['1', '0']);
  expect([cold.status, warm.status]).toEqual([200, 200]);
  expect(site.runner()).toBeDefined();
  expect(await site.metric('skerry_agent_runner_restarts'), 'an idle stop does not count as a loss').toBe(0);
});

test('a waiting call keeps its runner', async () => {
  const waiting = site.call('wait', 2_000);
  const pid = await site.untilMetric('skerry_agent_invocations_parked', (count) => count === 1).then(site.runner);
  expect((await waiting).status).toBe(200);
  expect(site.runner()).toBe(pid);
});
