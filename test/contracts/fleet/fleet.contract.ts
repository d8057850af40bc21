/**
 * Three agents through the life of a function: create, update, an offline agent, delete while it is offline, and its
 * return. The API, calls to each agent, and the agents' own files show the functions that each agent holds.
 */
import { join } from 'node:path';
import { openStore } from '@skerry/edge-agent/storage/store.ts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { commandModule, handlerComponent } from '../../harness/fixtures.ts';
import { type Platform, startPlatform, type TestAgent } from '../../harness/platform.ts';

/** Environment of the control plane: selects its database. */
export type Settings = () => Promise<Readonly<Record<string, string>>>;

type FunctionBody = { data: { revision: number; agents: { name: string; online: boolean; holds: boolean }[] } };

export function fleetCases(settings: Settings): void {
  const names = ['one', 'two', 'three'];
  let platform: Platform;
  const agents = new Map<string, TestAgent>();

  beforeAll(async () => {
    platform = await startPlatform(await settings());
    for (const name of names) agents.set(name, await platform.agent(name));
  });
  afterAll(() => platform?.stop());

  async function holders(fn: string): Promise<Record<string, boolean>> {
    const { body } = await platform.api.call('GET', `/v1/fn/_/${fn}`);
    return Object.fromEntries((body as FunctionBody).data.agents.map((agent) => [agent.name, agent.holds]));
  }

  const callOn = (agent: string, fn: string) =>
    platform.api.call('POST', `/v1/fn/_/${fn}`, { args: { n: 1 } }, { 'x-skerry-agent': agent });

  /** Functions in the file of a stopped agent: name to revision, and the number of bundles. */
  function stored(agent: string): { functions: Record<string, number>; bundles: number } {
    const store = openStore(join(platform.folder, agent, 'agent.db'));
    const functions = store.activeFunctions();
    const bundles = new Set(functions.map((fn) => fn.bundle).filter((digest) => store.hasBundle(digest)));
    store.close();
    return { functions: Object.fromEntries(functions.map((fn) => [fn.name, fn.revision])), bundles: bundles.size };
  }

  test('create: all three hold it before the answer, and each runs it', async () => {
    const created = await platform.api.upload('POST', '/v1/fn/_', 'life', handlerComponent());
    expect(created.status).toBe(201);
    expect(created.body).toMatchObject({
      data: { name: 'life', revision: 1, agents: { total: 3, applied: 3, failed: [] } },
    });
    expect(await holders('life')).toEqual({ one: true, two: true, three: true });
    for (const name of names) {
      const answer = await callOn(name, 'life');
      expect(answer.status).toBe(200);
      expect(answer.headers.get('x-skerry-agent')).toBe(name);
      expect(answer.body).toEqual({ data: { echo: { n: 1 }, count: 1 } });
    }
  });

  test('update: all three serve the new revision when it is answered', async () => {
    const updated = await platform.api.upload('PUT', '/v1/fn/_/life', 'life', commandModule());
    expect(updated.status).toBe(200);
    expect(updated.body).toMatchObject({ data: { revision: 2, agents: { total: 3, applied: 3 } } });
    for (const name of names) {
      const answer = await callOn(name, 'life');
      expect(answer.body).toEqual({ data: { n: 1 } });
      expect(answer.headers.get('x-skerry-revision')).toBe('2');
    }
  });

  test('a deploy does not wait for an offline agent, which keeps its functions', async () => {
    expect(await agents.get('three')?.stop()).toBe(0);
    await platform.api.upload('POST', '/v1/fn/_', 'second', handlerComponent());
    const { body } = await platform.api.upload('PUT', '/v1/fn/_/life', 'life', handlerComponent());
    expect(body).toMatchObject({ data: { revision: 3, agents: { total: 2, applied: 2 } } });
    expect(await holders('life')).toMatchObject({ one: true, two: true });
    expect((await holders('life')).three ?? false).toBe(false);
    expect(stored('three')).toEqual({ functions: { life: 2 }, bundles: 1 });
  });

  test('an agent that reconnects converges by itself', async () => {
    agents.set('three', await platform.agent('three'));
    await platform.api.until('/v1/fn/_/second', (body: FunctionBody) =>
      body.data.agents.some((agent) => agent.name === 'three' && agent.holds),
    );
    expect(await holders('life')).toEqual({ one: true, two: true, three: true });
    expect((await callOn('three', 'life')).headers.get('x-skerry-revision')).toBe('3');
    expect((await callOn('three', 'second')).status).toBe(200);
  });

  test('delete while one is away: it is gone there too when that one returns', async () => {
    await agents.get('three')?.stop('SIGKILL');
    const deleted = await platform.api.call('DELETE', '/v1/fn/_/life');
    expect(deleted.status).toBe(204);
    expect((await callOn('one', 'life')).status).toBe(404);
    agents.set('three', await platform.agent('three'));
    await platform.api.until(
      '/v1/agents/three',
      (body: { data: { generation: { desired: number; applied: number } } }) =>
        body.data.generation.applied === body.data.generation.desired,
    );
    for (const name of names) await agents.get(name)?.stop();
    for (const name of names) expect(stored(name)).toEqual({ functions: { second: 1 }, bundles: 1 });
  });

  test('a new agent receives existing functions before their first call', async () => {
    const late = await platform.agent('late');
    agents.set('late', late);
    await platform.api.until('/v1/fn/_/second', (body: FunctionBody) =>
      body.data.agents.some((agent) => agent.name === 'late' && agent.holds),
    );
    expect((await callOn('late', 'second')).status).toBe(200);
  });
}
