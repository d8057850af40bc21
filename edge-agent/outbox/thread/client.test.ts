/** The real thread on a real file, from the agent's side. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Answers, Operation, PendingOfTrigger, RecordOperation } from '../storage/operations.ts';
import { createOutboxClient, type OutboxClient } from './client.ts';
import type { OperationAnswer } from './operation-queue.ts';
import { outboxScript } from './script.ts';

let folder: string;
let path: string;
let client: OutboxClient;
let commits: number;
let opened: (readonly PendingOfTrigger[])[];
let logged: Record<string, unknown>[];
let needed: boolean;

const start = (at = path) => {
  client = createOutboxClient(optionsFor(at));
};
const optionsFor = (at: string): Parameters<typeof createOutboxClient>[0] => ({
  script: outboxScript(),
  path: at,
  limitBytes: 64 * 1024 * 1024,
  log: pino({ level: 'info' }, { write: (line: string) => void logged.push(JSON.parse(line)) }),
  random: () => 0.5,
  onOpened: (pending) => void opened.push(pending),
  onBatch: (seconds) => {
    if (seconds !== undefined) commits += 1;
  },
  isNeeded: () => needed,
  idleMs: 20,
});
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'skerry-client-'));
  path = join(folder, 'outbox.db');
  [commits, opened, logged, needed] = [0, [], [], true];
  start();
});
afterEach(async () => {
  await client.close(5_000);
  rmSync(folder, { recursive: true });
});

const submit = <Asked extends Operation>(operation: Asked) =>
  new Promise<OperationAnswer<Asked>>((resolve) => client.submit(operation, resolve));
const recordOf = (id: string, bytes = 10): RecordOperation => ({
  do: 'record',
  event: { id, named: false, trigger: 't', function: 'f', origin: 'mqtt', input: Buffer.alloc(bytes), createdAt: 1 },
  drop: [],
  wave: 0,
});
const keptOf = ({ ...answer }: OperationAnswer<RecordOperation>) => (answer.done ? answer.answer.kept : answer.failure);
const waiting = async (): Promise<string[]> => {
  const read = await submit({ do: 'events', trigger: 't', after: 0, limit: { rows: 9_999, bytes: 1e9 } });
  return read.done ? (read.answer as Answers['events']).events.map(({ id }) => id) : [];
};

test('operations that arrive together are committed together', async () => {
  const many = Array.from({ length: 2_000 }, (_, n) => submit(recordOf(`e${n}`)));
  expect(new Set((await Promise.all(many)).map(keptOf))).toEqual(new Set(['recorded']));
  expect(commits).toBeLessThanOrEqual(3);
  expect(client.state).toMatchObject({ events: 2_000 });
  expect(await waiting()).toHaveLength(2_000);
});

test('small views of large buffers are sent with their own bytes only', async () => {
  const large = Buffer.alloc(100_000, 1);
  large.write('here', 50_000);
  const operation = recordOf('view');
  await submit({ ...operation, event: { ...operation.event, input: large.subarray(50_000, 50_004) } });
  const read = await submit({ do: 'events', trigger: 't', after: 0, limit: { rows: 9, bytes: 9_999 } });
  expect(read.done && Buffer.from(read.answer.events[0]?.input ?? []).toString()).toBe('here');
});

test('events beyond the waiting limit are refused as if the file were full', async () => {
  const many = Array.from({ length: 10_100 }, (_, n) => submit(recordOf(`e${n}`)));
  const kept = (await Promise.all(many)).map(keptOf);
  expect(kept.filter((one) => one === 'full')).toHaveLength(100);
  expect(await waiting()).toHaveLength(9_999);
});

test('an idle thread is ended, and started again on demand', async () => {
  const answer = () => submit({ do: 'last-tick', trigger: 't' });
  needed = false;
  await answer();
  expect(opened).toHaveLength(1);
  // The thread closes the file, and so removes its write-ahead log.
  await expect.poll(() => existsSync(`${path}-wal`)).toBe(false);
  await expect.poll(async () => (await answer()).done).toBe(true);
  expect(opened.length).toBeGreaterThan(1);
});

test('a file that is damaged under it: the thread is replaced, and readable rows are kept', async () => {
  await Promise.all(Array.from({ length: 1_000 }, (_, n) => submit(recordOf(`e${n}`, 3_000))));
  await client.close(5_000);
  start();
  await submit(recordOf('before'));
  const handle = openSync(path, 'r+');
  for (let page = 10; page < 700; page += 10) writeSync(handle, Buffer.alloc(200, 7), 0, 200, page * 4_096);
  const failed = await submit({ do: 'events', trigger: 't', after: 0, limit: { rows: 9_999, bytes: 1e9 } });
  expect(failed).toEqual({ done: false, failure: 'away' });
  await expect.poll(() => client.state?.damaged ?? 0, { timeout: 10_000 }).toBeGreaterThan(0);
  await expect.poll(async () => (await waiting()).length).toBeGreaterThan(500);
  expect(logged.map(({ msg }) => msg)).toContain('the outbox was damaged');
  expect(keptOf(await submit(recordOf('after')))).toBe('recorded');
});

test('a thread that does not open the file in time is replaced', async () => {
  await client.close(100);
  const script = new URL('data:text/javascript,setInterval(() => {}, 1000)');
  client = createOutboxClient({ ...optionsFor(path), script, openMs: 50 });
  const kept = submit(recordOf('a'));
  expect(keptOf(await kept)).toBe('away');
  expect(logged.at(-1)).toMatchObject({ msg: 'the outbox is away', reason: expect.stringContaining('50 ms') });
});

test('a thread that dies while it is being closed: closing does not wait, and the loss is reported', async () => {
  await client.close(100);
  const source = `import { parentPort } from 'node:worker_threads';
    const state = { events: 0, outcomes: 0, bytes: 0, damaged: 0, lastSeq: 0, oldest: undefined };
    parentPort.postMessage({ kind: 'opened', state, pending: [], reports: [] });
    parentPort.on('message', () => { throw new Error('the disk is gone'); });`;
  const script = new URL(`data:text/javascript,${encodeURIComponent(source)}`);
  client = createOutboxClient({ ...optionsFor(path), script });
  client.submit({ do: 'forget', seqs: [1] });
  expect(await client.close(60_000)).toBe(1);
  expect(logged.at(-1)).toMatchObject({ msg: 'the outbox is away', reason: 'the disk is gone' });
});

test('a file that cannot be opened: events are refused, and necessary writes wait', async () => {
  await client.close(100);
  mkdirSync(path);
  start();
  const outcome = {
    id: 'x',
    function: 'f',
    trigger: 't',
    origin: 'mqtt',
    revision: 1,
    attempts: 1,
    createdAt: 1,
    startedAt: 1,
    endedAt: 1,
    result: { ok: true, output: Buffer.from('1') },
  } as const;
  const written = submit({ do: 'end', seq: 1, named: false, outcome });
  expect(keptOf(await submit(recordOf('a')))).toBe('away');
  rmSync(path, { recursive: true });
  expect(await written).toMatchObject({ done: true });
  expect(client.state).toMatchObject({ outcomes: 1 });
});

test('a disk without room: events are refused, nothing is half written, and it goes on when there is room', async (context) => {
  const disk = join(folder, 'disk');
  mkdirSync(disk);
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', disk], { stdio: 'pipe' });
  } catch {
    context.skip('mounting a file system of its own needs the right to mount');
  }
  await client.close(100);
  start(join(disk, 'outbox.db'));
  try {
    await fillAndEmpty(disk);
  } finally {
    await client.close(5_000);
    execFileSync('umount', [disk]);
  }
}, 30_000);

async function fillAndEmpty(disk: string): Promise<void> {
  await submit(recordOf('first'));
  writeFileSync(join(disk, 'ballast'), Buffer.alloc(1_000_000));
  const kept: string[] = [];
  for (let n = 0; n < 20 && kept.at(-1) !== 'full'; n++) kept.push(keptOf(await submit(recordOf(`e${n}`, 100_000))));
  expect(kept.at(-1)).toBe('full');
  rmSync(join(disk, 'ballast'));
  await expect.poll(async () => keptOf(await submit(recordOf('last')))).toBe('recorded');
  const recorded = kept.flatMap((one, n) => (one === 'recorded' ? [`e${n}`] : []));
  const there = await waiting();
  expect(there.filter((id) => id.startsWith('e'))).toEqual(recorded);
  expect([there[0], there.at(-1)]).toEqual(['first', 'last']);
}
