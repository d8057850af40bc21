/** What agents tell of outcomes, and what of it is believed. */
import { randomUUID, randomUUIDv7 } from 'node:crypto';
import { manifestSchema } from '@skerry/shared/manifest.ts';
import type { RecordedOutcome } from '@skerry/shared/protocol.ts';
import { pino } from 'pino';
import { beforeEach, expect, test } from 'vitest';
import { createAgentOutcomes } from './agent-outcomes.ts';
import type { CatalogFunction } from './catalog-function.ts';
import type { EndedInvocation } from './kept.ts';

let kept: EndedInvocation[];
let lines: { level: number; reason?: string }[];
let functions: Map<string, CatalogFunction>;
let record: ReturnType<typeof createAgentOutcomes>;

beforeEach(() => {
  kept = [];
  lines = [];
  functions = new Map();
  const log = pino({ level: 'warn' }, { write: (line: string) => void lines.push(JSON.parse(line)) });
  const catalog = {
    byId: (id: string) => functions.get(id),
    functions: () => functions.values(),
    refresh: async () => {},
  };
  const invocations = { record: async (outcomes: readonly EndedInvocation[]) => void kept.push(...outcomes) };
  record = createAgentOutcomes({ catalog, invocations, log });
});

function add(labels = {}): { id: string; trigger: string } {
  const trigger = randomUUID();
  const fn = {
    id: randomUUID(),
    module: 'm',
    name: 'f',
    manifest: manifestSchema.parse({ placement: { labels } }),
    triggers: [{ id: trigger }],
    sinks: [],
  } as unknown as CatalogFunction;
  functions.set(fn.id, fn);
  return { id: fn.id, trigger };
}

const outcome = (fn: string, trigger: string, more: Partial<RecordedOutcome> = {}): RecordedOutcome => ({
  id: randomUUIDv7(),
  function: fn,
  trigger,
  origin: 'mqtt',
  revision: 2,
  attempts: 1,
  createdAt: 1,
  startedAt: 2,
  endedAt: 3,
  result: { ok: true, output: new Uint8Array(1) },
  ...more,
});
const sender = { name: 'pi', labels: { site: 'lab' } };

test('an outcome is kept under the names of its function and of its agent', async () => {
  const { id, trigger } = add({ site: 'lab' });
  await record(sender, [outcome(id, trigger)]);
  expect(kept).toMatchObject([
    { module: 'm', name: 'f', agent: 'pi', revision: 2, triggerId: trigger, endedAt: new Date(3) },
  ]);
  expect(lines).toEqual([]);
});

test('of a function that the agent is not to hold, or with a trigger of another one, it is refused and told of', async () => {
  const elsewhere = add({ site: 'field' });
  const here = add();
  await record(sender, [
    outcome(elsewhere.id, elsewhere.trigger),
    outcome(here.id, elsewhere.trigger),
    outcome('none', here.trigger),
    outcome(here.id, here.trigger, { id: "'; drop table" }),
    outcome(here.id, here.trigger),
  ]);
  expect(kept.map(({ functionId }) => functionId)).toEqual([here.id]);
  expect(lines.map(({ level, reason }) => [level, reason])).toEqual([
    [50, 'the agent is not to hold the function'],
    [50, 'the trigger is of another function'],
    [50, 'it has an id that is none'],
    [50, 'it has an id that is none'],
  ]);
});

test('of a function that is gone it is kept under the name that it had, else as "-"', async () => {
  const { id, trigger } = add();
  await record(sender, [outcome(id, trigger)]);
  functions.clear();
  await record(sender, [outcome(id, trigger), outcome(randomUUID(), randomUUID())]);
  expect(kept.map(({ module, name }) => `${module}/${name}`)).toEqual(['m/f', 'm/f', '-/-']);
  expect(lines).toEqual([]);
});

test('numbers of any size are brought into what the database holds', async () => {
  const { id, trigger } = add();
  const huge = Number.MAX_SAFE_INTEGER;
  await record(sender, [outcome(id, trigger, { endedAt: huge, attempts: huge, revision: huge })]);
  expect(kept).toMatchObject([{ attempts: 2_147_483_647, revision: 2_147_483_647, endedAt: new Date('9999-01-01') }]);
});
