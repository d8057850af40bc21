/** Outcomes from agents, and the checks on them. */
import { randomUUID, randomUUIDv7 } from 'node:crypto';
import { SkerryError } from '@skerry/shared/errors.ts';
import { manifestSchema } from '@skerry/shared/function/manifest.ts';
import type { RecordedOutcome } from '@skerry/shared/tunnel/protocol.ts';
import { pino } from 'pino';
import { beforeEach, expect, test } from 'vitest';
import type { FormerTrigger } from '../db/catalog/former-triggers.ts';
import type { Store } from '../db/store.ts';
import type { CatalogFunction } from '../model/catalog-function.ts';
import type { EndedInvocation } from '../model/invocation.ts';
import { createAgentOutcomes } from './from-agents.ts';

let kept: EndedInvocation[];
let lines: { level: number; refused?: number; invocation?: string; reason?: string }[];
let functions: Map<string, CatalogFunction>;
/** Triggers in the database that the catalog does not have. */
let stored: { former: FormerTrigger[]; present: string[] };
let full: Set<string>;
let refreshes: number;
/** Milliseconds by which the clock is ahead. */
let later: number;
let record: ReturnType<typeof createAgentOutcomes>;

beforeEach(() => {
  kept = [];
  lines = [];
  functions = new Map();
  stored = { former: [], present: [] };
  full = new Set();
  refreshes = 0;
  const log = pino({ level: 'warn' }, { write: (line: string) => void lines.push(JSON.parse(line)) });
  const catalog = {
    byId: (id: string) => functions.get(id),
    functions: () => functions.values(),
    refresh: async () => {
      refreshes += 1;
    },
  };
  const invocations = { record: async (outcomes: readonly EndedInvocation[]) => void kept.push(...outcomes) };
  const store = { read: async () => stored } as unknown as Pick<Store, 'read'>;
  const sinkCapacity = {
    assertAvailable({ name }: { name: string }) {
      if (full.has(name)) throw new SkerryError('queue_full', 'full');
    },
  };
  later = 0;
  const now = () => performance.now() + later;
  record = createAgentOutcomes({ catalog, store, invocations, sinkCapacity, log, now });
});

function add(labels = {}, placement = 'edge'): { id: string; trigger: string } {
  const trigger = randomUUID();
  const fn = {
    id: randomUUID(),
    module: 'm',
    name: 'f',
    manifest: manifestSchema.parse({ placement: { labels } }),
    triggers: [{ id: trigger, spec: { params: { placement } } }],
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
const sender = 'pi';

const made = 'no device listens to such a trigger of the function, nor did';

test('an outcome is stored under the names of its function and of its agent', async () => {
  const { id, trigger } = add({ site: 'lab' });
  await record(sender, [outcome(id, trigger)]);
  expect(kept).toMatchObject([
    { module: 'm', name: 'f', agent: 'pi', revision: 2, triggerId: trigger, endedAt: new Date(3) },
  ]);
  expect(lines).toEqual([]);
});

test('with a trigger of another function it is refused and told of, wherever the function is placed now', async () => {
  const elsewhere = add({ site: 'field' });
  const here = add();
  await record(sender, [
    outcome(elsewhere.id, elsewhere.trigger),
    outcome(here.id, elsewhere.trigger),
    outcome('none', here.trigger),
    outcome(here.id, here.trigger, { id: "'; drop table" }),
    outcome(here.id, here.trigger),
  ]);
  expect(kept.map(({ functionId }) => functionId)).toEqual([elsewhere.id, here.id]);
  expect(lines.map(({ level, refused, reason }) => [level, refused, reason])).toEqual([[50, 3, made]]);
});

test('for invented outcomes of an agent the log has one line a minute, with the count and the first one', async () => {
  const { id, trigger } = add();
  const bad = (name: string) => outcome(id, trigger, { id: name });
  for (let n = 0; n < 100; n += 1) await record(sender, [outcome(id, trigger), bad(`bad ${n}`), bad('another')]);
  await record('another', [bad('of another')]);
  later = 60_000;
  await record(sender, [bad('late')]);
  const reason = 'its id is invalid';
  expect(lines).toMatchObject([
    { level: 50, refused: 2, invocation: 'bad 0', reason },
    { level: 50, refused: 1, invocation: 'of another', reason },
    { level: 50, refused: 199, invocation: 'late', reason },
  ]);
  expect(kept).toHaveLength(100);
});

test('an outcome of a removed trigger or function is stored under the name of that time', async () => {
  const here = add();
  const gone = { id: randomUUID(), functionId: randomUUID(), module: 'old', name: 'g' };
  const moved = { id: randomUUID(), functionId: here.id, module: 'm', name: 'f' };
  stored.former.push(gone, moved);
  await record(sender, [outcome(gone.functionId, gone.id), outcome(here.id, moved.id)]);
  expect(kept.map(({ module, name }) => `${module}/${name}`)).toEqual(['old/g', 'm/f']);
  expect(lines).toEqual([]);
});

test('invented outcomes are not stored: of unknown functions and triggers, and of triggers of the cloud', async () => {
  const here = add();
  const cloud = add({}, 'cloud');
  stored.former.push({ id: randomUUID(), functionId: randomUUID(), module: 'm', name: 'g' });
  await record(sender, [
    outcome(randomUUID(), randomUUID()),
    outcome(here.id, randomUUID()),
    outcome(cloud.id, cloud.trigger),
    outcome(here.id, stored.former[0]?.id ?? ''),
  ]);
  expect(kept).toEqual([]);
  expect(lines.map(({ refused, reason }) => [refused, reason])).toEqual([[4, made]]);
});

test('the catalog is refreshed at most once a second, for any number of batches', async () => {
  const begun = performance.now();
  await record(sender, [outcome(randomUUID(), randomUUID())]);
  await Promise.all(Array.from({ length: 20 }, () => record(sender, [outcome(randomUUID(), randomUUID())])));
  expect(refreshes).toBe(2);
  expect(performance.now() - begun).toBeGreaterThan(950);
});

test('with a catalog that stays behind, or a full sink, the agent keeps all outcomes', async () => {
  const { id, trigger } = add();
  stored.present.push(randomUUID());
  const behind = record(sender, [outcome(randomUUID(), stored.present[0] ?? ''), outcome(id, trigger)]);
  await expect(behind).rejects.toMatchObject({ code: 'store_unavailable' });
  full.add('f');
  await expect(record(sender, [outcome(id, trigger)])).rejects.toMatchObject({ code: 'queue_full' });
  expect(kept).toEqual([]);
});

test('numbers of any size are clamped to the range of the database', async () => {
  const { id, trigger } = add();
  const huge = Number.MAX_SAFE_INTEGER;
  await record(sender, [outcome(id, trigger, { endedAt: huge, attempts: huge, revision: huge })]);
  expect(kept).toMatchObject([{ attempts: 2_147_483_647, revision: 2_147_483_647, endedAt: new Date('9999-01-01') }]);
});
