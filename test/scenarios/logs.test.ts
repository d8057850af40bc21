/** The last lines of a function, from many agents at once. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startHub, type TestHub } from '../harness/tunnel/hub.ts';
import { connectGreeted } from '../harness/tunnel/raw-agent.ts';

let hub: TestHub;

beforeEach(async () => {
  hub = await startHub();
  hub.deploy('f', Buffer.from('b'), { placement: { labels: { site: 'x' } } });
});
afterEach(() => hub.close());

const line = (time: number) => ({ time, invocation: 'i', revision: 1, source: 'stdout', text: `at ${time}` });

test('are merged by time, at most the requested number; agents without an answer are named', async () => {
  const labels = { site: 'x' };
  const one = await connectGreeted(hub.url, { name: 'one', labels });
  const two = await connectGreeted(hub.url, { name: 'two', labels });
  await connectGreeted(hub.url, { name: 'silent', labels });
  const gone = await connectGreeted(hub.url, { name: 'gone', labels });
  await connectGreeted(hub.url, { name: 'elsewhere' });
  const asking = hub.hub.logs('id-f', 3);
  for (const [agent, times] of [
    [one, [1, 4]],
    [two, [2, 3, 5]],
  ] as const) {
    const { id, function: fn, limit } = await agent.next('logs');
    expect([fn, limit]).toEqual(['id-f', 3]);
    agent.send({ kind: 'lines', id, lines: times.map(line) });
  }
  await gone.next('logs');
  gone.close();
  const { lines, missing } = await asking;
  expect(lines.map(({ agent, time }) => [agent, time])).toEqual([
    ['two', 3],
    ['one', 4],
    ['two', 5],
  ]);
  expect(missing).toEqual(['gone', 'silent']);
});

test('an answer to no question is ignored', async () => {
  const agent = await connectGreeted(hub.url, { labels: { site: 'x' } });
  agent.send({ kind: 'lines', id: 7, lines: [line(1)] });
  const asking = hub.hub.logs('id-f', 3);
  const { id } = await agent.next('logs');
  agent.send({ kind: 'lines', id, lines: [] });
  expect(await asking).toEqual({ lines: [], missing: [] });
});
