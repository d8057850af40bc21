/** Sinks and outcomes for tests, by the API and by the part that records outcomes. */
import { randomUUIDv7 } from 'node:crypto';
import type { ErrorCode } from '@skerry/shared/errors.ts';
import { expect } from 'vitest';
import type { EndedInvocation } from '../model/invocation.ts';
import { create, type Harness } from './harness.ts';

/** A sink of GET /v1/sinks. */
type ShownSink = {
  id: string;
  url: string;
  state: string;
  waiting: number;
  dead: number;
  delivered: number;
  lag_seconds: number;
  last_delivered_at: string | null;
  error: string | null;
  next_try_at: string | null;
};

export type SinkSpec = { type: 'couchdb' | 'http' | 'mqtt'; params: Record<string, unknown> };

/** A new function with these sinks; their ids. */
export async function functionWithSinks(h: Harness, name: string, ...specs: SinkSpec[]): Promise<string[]> {
  expect(await create(h, name)).toMatchObject({ status: 201 });
  const ids: string[] = [];
  for (const json of specs) {
    const answer = await h.request('POST', `/v1/fn/_/${name}/sinks`, { json });
    expect(answer).toMatchObject({ status: 201 });
    ids.push((answer.json as { data: { id: string } }).data.id);
  }
  return ids;
}

/** An outcome of the function, as if it had just ended. */
export function outcome(
  h: Harness,
  name: string,
  result: string | { code: ErrorCode; message: string },
  more: Partial<EndedInvocation> = {},
): EndedInvocation {
  const fn = h.controlPlane.catalog.find('_', name);
  if (!fn) throw new Error(`there is no function ${name}`);
  const now = new Date();
  return {
    id: randomUUIDv7(),
    functionId: fn.id,
    module: fn.module,
    name: fn.name,
    revision: fn.revision,
    origin: 'api',
    agent: 'box',
    attempts: 1,
    createdAt: now,
    startedAt: now,
    endedAt: now,
    result: typeof result === 'string' ? { ok: true, output: Buffer.from(result) } : { ok: false, ...result },
    ...more,
  };
}

/** Records outcomes with these results, in this order; their ids. */
export async function record(h: Harness, name: string, results: readonly string[]): Promise<string[]> {
  const ended = results.map((result) => outcome(h, name, result));
  await h.controlPlane.invocations.record(ended);
  return ended.map(({ id }) => id);
}

/** The state of a sink of the function. */
export async function sinkState(h: Harness, sinkId: string): Promise<ShownSink> {
  const answer = await h.request('GET', '/v1/sinks');
  const found = (answer.json as { data: ShownSink[] }).data.find(({ id }) => id === sinkId);
  if (!found) throw new Error(`there is no sink ${sinkId}: ${answer.text}`);
  return found;
}

/** Resolves when the sink has the expected state. */
export async function sinkIs(h: Harness, sinkId: string, expected: Partial<ShownSink>): Promise<void> {
  await expect.poll(() => sinkState(h, sinkId), { timeout: 15_000, interval: 20 }).toMatchObject(expected);
}
