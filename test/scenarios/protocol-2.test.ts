/** Agents of the previous protocol version beside those of this one: they serve as before, and see nothing new. */
import { triggerSchema } from '@skerry/shared/function/triggers.ts';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startHub, type TestHub } from '../harness/tunnel/hub.ts';
import { connectGreeted, type RawAgent } from '../harness/tunnel/raw-agent.ts';
import { outcomeFacts } from '../harness/tunnel/web.ts';

const params = { host: 'broker', topic: 't', placement: 'edge', password: 'hunter2' };
const trigger = { id: 'trigger-1', ...triggerSchema.parse({ type: 'mqtt', params }) };
const kept: { agent: string; outcomes: number }[] = [];
let hub: TestHub;

beforeEach(async () => {
  kept.length = 0;
  hub = await startHub({
    edgeTriggers: () => [trigger],
    record: async (agent, outcomes) => void kept.push({ agent, outcomes: outcomes.length }),
  });
  hub.deploy('f', Buffer.from('b'));
});
afterEach(() => hub.close());

const functionsIn = async (agent: RawAgent) => (await agent.next('desired')).functions;

test('an agent of version 2 gets its functions without triggers and credentials, and serves calls', async () => {
  const old = await connectGreeted(hub.url, { name: 'old', version: 2 });
  const [fn] = await functionsIn(old);
  expect(fn).toMatchObject({ name: 'f', limits: expect.any(Object), grants: expect.any(Object) });
  expect(fn).not.toHaveProperty('triggers');
  expect(fn).not.toHaveProperty('retry');
  const found = hub.catalog.find('_', 'f');
  if (!found) throw new Error('the function is not there');
  const calling = hub.invoker.invoke({ function: found, input: Buffer.from('1') });
  const { id } = await old.next('invoke');
  old.send({ kind: 'outcome', id, result: { ok: true, output: Buffer.from('2') }, ...outcomeFacts });
  expect(Buffer.from((await calling).output).toString()).toBe('2');
});

test('an agent of version 3 gets the triggers that it must listen to', async () => {
  const [fn] = await functionsIn(await connectGreeted(hub.url));
  expect(fn?.triggers).toEqual([trigger]);
  expect(fn?.retry).toEqual({ attempts: 3, base_ms: 1_000, cap_ms: 60_000 });
});

test('outcomes are acknowledged when they are stored, batch by batch', async () => {
  const agent = await connectGreeted(hub.url, { name: 'new' });
  const outcome = {
    id: '01a20002-608c-7138-af90-b23b60afc4b4',
    function: 'id-f',
    trigger: 'trigger-1',
    origin: 'mqtt',
    revision: 1,
    attempts: 1,
    createdAt: 1,
    startedAt: 2,
    endedAt: 3,
    result: { ok: true, output: Buffer.from('1') },
  } as const;
  agent.send({ kind: 'outcomes', batch: 7, outcomes: [outcome, outcome] });
  expect(await agent.next('recorded')).toEqual({ kind: 'recorded', batch: 7, ok: true });
  expect(kept).toEqual([{ agent: 'new', outcomes: 2 }]);
});
