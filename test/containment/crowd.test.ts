/** Many calls: in sequence, at once, and more than the function's limit. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { fixture } from './fixture.ts';
import { type Reply, type Site, startSite } from './platform-under-attack.ts';

/** MiB that a thousand waiting calls may take. */
const crowdMb = 250;

let site: Site;
beforeAll(async () => {
  site = await startSite();
  await site.deploy('wait', fixture('wait'));
  await site.deploy('hasty', fixture('wait'), { limits: { timeout_ms: 500 } });
  await site.deploy('few', fixture('wait'), { limits: { concurrency: 3 } });
  await site.deploy('work', fixture('handler'));
}, 60_000);
afterAll(() => site?.close());

/** Peak memory of agent and runner while `work` ran, in MiB. */
async function peakDuring<T>(work: () => Promise<T>): Promise<{ result: T; peakMb: number }> {
  let peakMb = 0;
  const look = setInterval(() => {
    peakMb = Math.max(peakMb, site.residentMb());
  }, 50);
  const result = await work().finally(() => clearInterval(look));
  return { result, peakMb };
}

const codes = (replies: readonly Reply[]) => [...new Set(replies.map(({ code, status }) => code ?? status))];

test('1,000 calls wait for a second at once', async () => {
  const crowd = (name: string) => () => Promise.all(Array.from({ length: 1_000 }, () => site.call(name, 1_000)));
  await site.call('wait', 0);
  const idle = site.residentMb();
  const start = performance.now();
  const { result, p99, failures } = await site.neighbour.during(() => peakDuring(crowd('wait')));
  const took = performance.now() - start;
  console.log(
    `1,000 at once: ${took.toFixed(0)} ms; ${(result.peakMb - idle).toFixed(0)} MiB above ${idle.toFixed(0)}; ` +
      `neighbour's p99 ${site.neighbour.p99Before.toFixed(1)} ms before, ${p99.toFixed(1)} ms during`,
  );
  expect(codes(result.result)).toEqual([200]);
  expect(failures).toEqual([]);
  expect(took).toBeLessThan(15_000);
  expect(result.peakMb - idle).toBeLessThan(crowdMb);
}, 60_000);

test('1,000 calls wait for an HTTP answer at once', async () => {
  const slow = createServer((_, response) => void setTimeout(() => response.end('late'), 1_000));
  await new Promise<void>((resolve) => slow.listen(0, '127.0.0.1', 4_096, resolve));
  const { port } = slow.address() as AddressInfo;
  const host = `127.0.0.1:${port}`;
  await site.deploy('fetch', fixture('http'), { capabilities: { http: [host] } });
  const fetchOne = () => site.raw(`fetch/fetch?${host}`);
  expect(await fetchOne()).toMatchObject({ status: 200, text: 'late' });
  const idle = site.residentMb();
  const start = performance.now();
  const { result, peakMb } = await peakDuring(() => Promise.all(Array.from({ length: 1_000 }, fetchOne)));
  const took = performance.now() - start;
  console.log(
    `1,000 requests at once: ${took.toFixed(0)} ms; ${(peakMb - idle).toFixed(0)} MiB above ${idle.toFixed(0)}`,
  );
  slow.close();
  expect([...new Set(result.map(({ text }) => text))]).toEqual(['late']);
  expect(took).toBeLessThan(30_000);
  expect(peakMb - idle).toBeLessThan(crowdMb);
}, 60_000);

test('1,000 calls that wait beyond their deadline each end at it', async () => {
  const { result } = await site.neighbour.during(() =>
    Promise.all(Array.from({ length: 1_000 }, () => site.call('hasty', 60_000))),
  );
  const slowest = Math.max(...result.map(({ ms }) => ms));
  console.log(`1,000 deadlines of 500 ms: the last answer after ${slowest.toFixed(0)} ms`);
  expect(codes(result)).toEqual(['function_timeout']);
  expect(slowest).toBeLessThan(10_000);
  await site.untilMetric('skerry_agent_invocations_parked', (count) => count === 0);
}, 60_000);

test('a call beyond limits.concurrency gets agent_busy, and there is room again afterwards', async () => {
  const replies = await Promise.all(Array.from({ length: 8 }, () => site.call('few', 500)));
  const busy = replies.filter(({ code }) => code === 'agent_busy');
  expect(replies.filter(({ status }) => status === 200)).toHaveLength(3);
  expect(busy).toHaveLength(5);
  expect(busy[0]?.status).toBe(503);
  expect((await site.call('few', 0)).status).toBe(200);
});

test('10,000 calls in sequence: memory does not grow', async () => {
  await site.neighbour.stop();
  const samples: number[] = [];
  for (let n = 0; n < 10_000; n++) {
    if (n % 500 === 0) samples.push(site.residentMb());
    const { status } = await site.call('work', n);
    if (status !== 200) throw new Error(`call ${n}: ${status}`);
  }
  // The first half warms up: heaps grow before they are collected.
  const late = samples.slice(samples.length / 2);
  const slope = slopeOf(late) / 500;
  console.log(
    `10,000 calls: ${samples.map((mb) => mb.toFixed(0)).join(' ')} MiB; ${(slope * 1024).toFixed(2)} KiB a call`,
  );
  expect(slope * 10_000).toBeLessThan(60);
}, 120_000);

/** By least squares, per step. */
function slopeOf(values: readonly number[]): number {
  const middle = (values.length - 1) / 2;
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const products = values.reduce((sum, value, at) => sum + (at - middle) * (value - mean), 0);
  return products / values.reduce((sum, _, at) => sum + (at - middle) ** 2, 0);
}
