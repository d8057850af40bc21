/**
 * Bodies that are larger than any process's memory, clients that read slowly, and clients that disconnect. 256 MB by
 * default; SKERRY_TEST_BODY_MB=1024 sets another size.
 */
import { once } from 'node:events';
import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { findChildren, statusField } from '../harness/process.ts';
import { fixture } from './fixture.ts';
import { type Site, startSite } from './platform-under-attack.ts';

const bodyMb = Number(process.env.SKERRY_TEST_BODY_MB ?? 256);
const MiB = 1024 * 1024;
/** MiB that a process may grow while a body passes through it: windows, and garbage that is not yet collected. */
const growthMb = 150;
const parked = 'skerry_agent_invocations_parked';
const running = 'skerry_agent_invocations_running';

let site: Site;
beforeAll(async () => {
  site = await startSite();
  await site.deploy('web', fixture('http'), { limits: { timeout_ms: 300_000 } });
}, 60_000);
afterAll(() => site?.close());

function open(path: string, method = 'GET'): ClientRequest {
  const url = new URL(`/function/web/${path}`, site.platform.controlPlane.url);
  const sent = request(url, { method, agent: false, headers: { authorization: site.authorization() } });
  sent.on('error', () => undefined);
  return sent;
}

async function answerTo(sent: ClientRequest): Promise<IncomingMessage> {
  const [answer] = (await once(sent, 'response')) as [IncomingMessage];
  answer.on('error', () => undefined);
  return answer;
}

/** Memory of each process, in MiB. */
function memory() {
  const { agent, platform } = site;
  const [runner = 0] = findChildren(agent.pid);
  const pids = { controlPlane: platform.controlPlane.pid, agent: agent.pid, runner };
  const entries = Object.entries(pids).map(([name, pid]) => [name, statusField(pid, 'VmRSS') / 1024] as const);
  return Object.fromEntries(entries) as Record<keyof typeof pids, number>;
}

/** The largest growth of each process while `work` ran, in MiB. */
async function growthDuring(work: () => Promise<unknown>): Promise<Record<string, number>> {
  const before = memory();
  const growth = { controlPlane: 0, agent: 0, runner: 0 };
  const names = Object.keys(growth) as (keyof typeof growth)[];
  const look = setInterval(() => {
    const now = memory();
    for (const name of names) growth[name] = Math.max(growth[name], Math.round(now[name] - before[name]));
  }, 50);
  await work().finally(() => clearInterval(look));
  return growth;
}

/** No invocation is left, and the function still serves. */
const nothingLeft = async () => {
  await site.untilMetric(parked, (count) => count === 0);
  // The neighbour runs now and then.
  await site.untilMetric(running, (count) => count === 0);
  expect((await site.raw('web/404')).status).toBe(404);
};

test(`${bodyMb} MB pass through a function and back in bounded memory`, async () => {
  const piece = Buffer.alloc(64 * 1024, 'b');
  const pieces = (bodyMb * MiB) / piece.byteLength;
  let received = 0;
  const start = performance.now();
  const { result, p99, failures } = await site.neighbour.during(() =>
    growthDuring(async () => {
      const sent = open('echo', 'PUT');
      const sending = pipeline(
        Readable.from(
          (function* () {
            for (let n = 0; n < pieces; n++) yield piece;
          })(),
        ),
        sent,
      );
      for await (const part of await answerTo(sent)) received += (part as Buffer).byteLength;
      await sending;
    }),
  );
  const seconds = (performance.now() - start) / 1_000;
  console.log(
    `${bodyMb} MB: ${(bodyMb / seconds).toFixed(0)} MB/s; grew by ${JSON.stringify(result)} MiB; ` +
      `neighbour's p99 ${site.neighbour.p99Before.toFixed(1)} ms before, ${p99.toFixed(1)} ms during`,
  );
  expect(received).toBe(bodyMb * MiB);
  expect(failures).toEqual([]);
  for (const growth of Object.values(result)) expect(growth).toBeLessThan(growthMb);
  await nothingLeft();
}, 300_000);

test('a client that reads nothing: the function waits, and no process buffers its answer', async () => {
  const growth = await growthDuring(async () => {
    const answer = await answerTo(open('big?500000000').end());
    answer.pause();
    await site.untilMetric(parked, (count) => count === 1);
    for (let n = 0; n < 50; n++) await site.call('healthy', n);
    expect(await site.metric(parked)).toBe(1);
    answer.destroy();
    await nothingLeft();
  });
  console.log(`a client that does not read: grew by ${JSON.stringify(growth)} MiB`);
  for (const grown of Object.values(growth)) expect(grown).toBeLessThan(growthMb);
});

test.each(['echo', 'sleep?60000', 'read?5'])(
  'a client that disconnects in the middle of its request: /%s',
  async (path) => {
    const sent = open(path, 'POST');
    sent.write(Buffer.alloc(100_000, 'x'));
    if (path === 'echo') await answerTo(sent).then((answer) => once(answer, 'data'));
    if (path.startsWith('sleep')) await site.untilMetric(parked, (count) => count === 1);
    sent.destroy();
    await nothingLeft();
  },
);

test('50 clients that stop in the middle of their bodies', async () => {
  const clients = Array.from({ length: 50 }, () => {
    const sent = open('echo', 'POST');
    sent.write('some');
    return sent;
  });
  await site.untilMetric(parked, (count) => count === clients.length);
  expect((await site.raw('web/nobody')).status).toBe(204);
  for (const client of clients) client.destroy();
  await nothingLeft();
});
