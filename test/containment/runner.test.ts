/**
 * The runner is expendable: the calls that it takes with it, the functions that are held back for it, and the others.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { fixture } from './fixture.ts';
import { type Site, startSite } from './platform-under-attack.ts';

const MiB = 1024 * 1024;
const parked = 'skerry_agent_invocations_parked';
const running = 'skerry_agent_invocations_running';
const restarts = 'skerry_agent_runner_restarts';

let site: Site;
beforeAll(async () => {
  site = await startSite({ SKERRY_FUNCTION_MEMORY_MB: '512' });
  await site.deploy('wait', fixture('wait'));
  await site.deploy('spin', fixture('handler'));
  await site.deploy('hungry', fixture('poison'), { limits: { memory_bytes: 1024 * MiB } });
}, 60_000);
afterAll(() => site?.close());

test('a runner killed in mid-call: runner_lost at once, counted, and replaced', async () => {
  const before = await site.metric(restarts);
  const pid = site.runner() ?? 0;
  const { failures } = await site.neighbour.during(async () => {
    const calls = [site.call('wait', 60_000), site.call('spin', 'spin')];
    await site.untilMetric(parked, (count) => count === 1);
    await site.untilMetric(running, (count) => count >= 1);
    const killed = performance.now();
    process.kill(pid, 'SIGKILL');
    for (const reply of await Promise.all(calls)) expect(reply).toMatchObject({ code: 'runner_lost', status: 502 });
    const took = performance.now() - killed;
    const after = await site.call('spin', 1);
    console.log(`lost calls were answered after ${took.toFixed(0)} ms; the next call took ${after.ms.toFixed(0)} ms`);
    expect(took).toBeLessThan(2_000);
    expect(after.status).toBe(200);
  });
  expect(failures.filter((code) => code !== 'runner_lost')).toEqual([]);
  expect(failures.length).toBeLessThanOrEqual(1);
  expect(site.runner()).not.toBe(pid);
  expect(await site.metric(restarts)).toBe(before + 1);
});

test("functions over the agent's memory limit end the runner; a function that does so repeatedly is held back", async () => {
  const before = await site.metric(restarts);
  const losses = 3;
  const { p99, calls, failures } = await site.neighbour.during(async () => {
    for (let n = 0; n < losses; n++) {
      const { code, ms } = await site.raw('hungry/hog');
      console.log(`512 MiB exceeded: ${code} after ${ms.toFixed(0)} ms`);
      expect(code).toBe('runner_lost');
    }
    for (let n = 0; n < 3; n++) {
      const { code, status, ms } = await site.raw('hungry/');
      console.log(`held back: ${code} after ${ms.toFixed(0)} ms`);
      expect({ code, status }).toEqual({ code: 'function_held_back', status: 503 });
    }
    expect((await site.call('spin', 1)).status).toBe(200);
  });
  console.log(
    `neighbour's p99 ${site.neighbour.p99Before.toFixed(1)} -> ${p99.toFixed(1)} ms of ${calls}, ${failures}`,
  );
  expect(failures.filter((code) => code !== 'runner_lost')).toEqual([]);
  expect(failures.length).toBeLessThanOrEqual(losses);
  expect(await site.metric(restarts)).toBe(before + losses);
  const served = await site.untilServed('hungry/');
  expect(served.text).toBe('well');
}, 60_000);
