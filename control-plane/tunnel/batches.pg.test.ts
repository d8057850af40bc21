/**
 * The order in which a sink gets an agent's outcomes, over a real Postgres: PGlite runs one transaction at a time
 * anyway.
 */
import { randomUUIDv7 } from 'node:crypto';
import type { RecordedOutcome } from '@skerry/shared/tunnel/protocol.ts';
import { expect, inject, onTestFinished, test } from 'vitest';
import { connectRaw } from '../../test/harness/tunnel/raw-agent.ts';
import { createControlPlane } from '../context.ts';
import { createFakePreparer } from '../testing/fakes.ts';
import { create, startHarness } from '../testing/harness.ts';
import { createDatabase, toRows } from '../testing/postgres.ts';

test('a small batch does not overtake a large one on its way to an ordered sink', async () => {
  const url = await createDatabase(inject('postgresUrl'));
  const h = await startHarness({ driver: 'pg', url });
  onTestFinished(() => h.close());
  const plane = await createControlPlane({ ...h.config, port: 0 }, { preparer: createFakePreparer() });
  onTestFinished(() => plane.close());
  await create(h, 'ordered');
  const post = async (path: string, json: object) => {
    const answer = await h.request('POST', path, { json });
    expect(answer.status, answer.text).toBe(201);
    return (answer.json as { data: { id: string; token: string } }).data;
  };
  const edge = { type: 'mqtt', params: { host: 'broker', topic: 't', placement: 'edge' } };
  const { id: trigger } = await post('/v1/fn/_/ordered/triggers', edge);
  const away = { type: 'http', params: { url: 'http://127.0.0.1:1/', ordered: true } };
  await post('/v1/fn/_/ordered/sinks', away);
  await plane.catalog.refresh();
  const { port } = await plane.listen();
  const agent = await connectRaw(new URL(`http://127.0.0.1:${port}`));
  onTestFinished(() => agent.close());
  await agent.hello({ joinToken: (await post('/v1/agents/tokens', {})).token });
  await agent.next('welcome');

  const fn = plane.catalog.find('_', 'ordered')?.id ?? '';
  const outcome = (bytes: number): RecordedOutcome => ({
    id: randomUUIDv7(),
    function: fn,
    trigger,
    origin: 'mqtt',
    revision: 1,
    attempts: 1,
    createdAt: 1,
    startedAt: 2,
    endedAt: 3,
    result: { ok: true, output: Buffer.alloc(bytes, 'x') },
  });
  const sent: string[] = [];
  for (const [batch, count] of [200, 1, 1].entries()) {
    const outcomes = Array.from({ length: count }, () => outcome(count * 20));
    sent.push(...outcomes.map(({ id }) => id));
    agent.send({ kind: 'outcomes', batch, outcomes });
  }
  for (let n = 0; n < 3; n += 1) expect(await agent.next('recorded')).toMatchObject({ ok: true });
  const rows = await toRows(url, 'select invocation_id as id from deliveries order by seq');
  expect(rows.map(({ id }) => id)).toEqual(sent);
}, 30_000);
