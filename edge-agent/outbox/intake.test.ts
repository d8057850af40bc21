/** The intake in front of the real thread, with runs that the test controls. */
import { randomUUIDv7 } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PendingLimit } from '@skerry/shared/events/intake.ts';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createIntake, type OutboxIntake } from './intake.ts';
import { createCounts } from './run/counts.ts';
import type { KeptEvent } from './storage/operations.ts';
import { createOutboxClient, type OutboxClient } from './thread/client.ts';
import { outboxScript } from './thread/script.ts';

const limitBytes = 1024 * 1024;
let folder: string;
let client: OutboxClient;
let intake: OutboxIntake;
let queue: KeptEvent[];
let dropped: number[];
let diskHasRoom: boolean;
let taken: number[];
let counts: ReturnType<typeof createCounts>;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'skerry-intake-'));
  [queue, dropped, diskHasRoom, taken, counts] = [[], [], true, [], createCounts()];
  client = createOutboxClient({
    script: outboxScript(),
    path: join(folder, 'outbox.db'),
    limitBytes,
    log: pino({ level: 'silent' }),
    onOpened: () => {},
    onBatch: () => intake.look(),
    isNeeded: () => true,
  });
  intake = createIntake({
    client,
    runs: {
      recorded: (event) => void queue.push(event),
      giveWay() {
        const event = queue.shift();
        return event && { seq: event.seq, bytes: event.input.byteLength };
      },
      dropped: (_, seqs) => void dropped.push(...seqs),
      reread: () => {},
    },
    counts,
    limitBytes,
    disk: {
      async take(bytes) {
        taken.push(bytes);
        return diskHasRoom;
      },
      has: async () => diskHasRoom,
    },
    isWanted: (id) => id !== 'gone',
    onRecorded: () => {},
    onDropped: () => {},
  });
});
afterEach(async () => {
  await client.close(5_000);
  rmSync(folder, { recursive: true });
});

const event = (text: string, id?: string) =>
  ({
    id: id ?? randomUUIDv7(),
    named: id !== undefined,
    trigger: 't',
    function: 'f',
    origin: 'mqtt',
    input: Buffer.from(text),
    createdAt: 1,
  }) as const;
const hold = (maxPending: number): PendingLimit => ({ maxPending, whenFull: 'hold' });
const dropOldest = (maxPending: number): PendingLimit => ({ maxPending, whenFull: 'drop_oldest' });
test('a recorded event is on disk and has an id, and a named event is known the second time', async () => {
  expect(await intake.record(event('1', 'name'), hold(10))).toBe('recorded');
  expect(await intake.record(event('1', 'name'), hold(10))).toBe('known');
  expect(await intake.record(event('2'), hold(10))).toBe('recorded');
  expect(queue.map(({ id, named }) => [id.length, named])).toEqual([
    [4, true],
    [36, false],
  ]);
  expect(client.state).toMatchObject({ events: 2 });
  expect(counts.of('t')).toMatchObject({ pending: 2 });
});

test('an event of a function that is gone is refused', async () => {
  await expect(intake.record({ ...event('1'), function: 'gone' }, hold(10))).rejects.toMatchObject({
    code: 'code_unavailable',
  });
});

test('the input is copied out of its buffer', async () => {
  await intake.record({ ...event(''), input: Buffer.alloc(100_000).subarray(0, 5) }, hold(10));
  expect(queue[0]?.input.buffer.byteLength).toBe(5);
});

describe('full', () => {
  test('by number: a further event is held, and there is room again when enough have ended', async () => {
    for (let n = 0; n < 20; n++) expect(await intake.record(event(`${n}`), hold(20))).toBe('recorded');
    expect(await intake.record(event('more'), hold(20))).toBe('full');
    let room = false;
    const waiting = intake.waitForRoom('t', hold(20), AbortSignal.timeout(10_000)).then(() => {
      room = true;
    });
    counts.add('t', 'pending', -1);
    intake.look();
    // Another round trip: a notified waiter would have gone on by now.
    await intake.lastTick('t');
    expect(room).toBe(false);
    counts.add('t', 'pending', -1);
    intake.look();
    await waiting;
    expect(room).toBe(true);
  });

  test('waiting for room ends with the signal', async () => {
    await intake.record(event('1'), hold(1));
    const abort = new AbortController();
    const waiting = intake.waitForRoom('t', hold(1), abort.signal);
    abort.abort();
    await expect(waiting).resolves.toBeUndefined();
  });

  test('by number: the oldest waiting event is dropped, if the trigger says so', async () => {
    for (let n = 0; n < 3; n++) await intake.record(event(`${n}`), dropOldest(3));
    const [oldest] = queue;
    expect(await intake.record(event('3'), dropOldest(3))).toBe('recorded');
    expect(dropped).toEqual([oldest?.seq]);
    expect(counts.of('t').pending).toBe(3);
    expect(client.state).toMatchObject({ events: 3 });
    queue.length = 0;
    expect(await intake.record(event('4'), dropOldest(3))).toBe('full');
  });

  test('by bytes: as many events as needed are dropped', async () => {
    const tenth = 'x'.repeat(limitBytes / 10);
    for (let n = 0; n < 7; n++) expect(await intake.record(event(tenth), hold(100))).toBe('recorded');
    expect(await intake.record(event(tenth), hold(100))).toBe('full');
    expect(await intake.record(event(tenth + tenth), dropOldest(100))).toBe('recorded');
    expect(dropped).toHaveLength(2);
  });

  test('by the disk: there is room when the disk has some, and until then the agent goes on', async () => {
    diskHasRoom = false;
    let room = false;
    const waiting = intake.waitForRoom('t', { ...hold(10), bytes: 1_000 }, AbortSignal.timeout(10_000)).then(() => {
      room = true;
    });
    // Each look asks the disk; a round trip of the event loop still gets through.
    for (let n = 0; n < 3; n++) {
      intake.look();
      await intake.lastTick('t');
    }
    expect(room).toBe(false);
    diskHasRoom = true;
    intake.look();
    await waiting;
    expect(room).toBe(true);
    // A waiter takes no room from writers.
    expect(taken).toEqual([]);
  });

  test('by bytes: no event of a wave overtakes a refused one', async () => {
    const [tenth, input] = ['x'.repeat(limitBytes / 10), 'x'.repeat(limitBytes / 5)];
    for (let n = 0; n < 6; n++) await intake.record(event(tenth), hold(100));
    const wave = [input, 'small', 'smaller'].map((text) => intake.record(event(text), hold(100)));
    expect(await Promise.all(wave)).toEqual(['full', 'full', 'full']);
    expect(await intake.record(event('small'), hold(100))).toBe('recorded');
  });

  test('by bytes: no event is dropped for one that finds no room even so', async () => {
    for (let n = 0; n < 5; n++) await intake.record(event(`${n}`), dropOldest(100));
    const other = { ...event('x'.repeat(limitBytes / 2)), trigger: 'u' };
    expect(await intake.record(other, hold(100))).toBe('recorded');
    queue.pop();
    expect(await intake.record(event('x'.repeat(limitBytes / 2)), dropOldest(100))).toBe('full');
    expect(dropped).toEqual([]);
    expect(client.state).toMatchObject({ events: 6 });
  });

  test('by the disk: nothing is stored', async () => {
    diskHasRoom = false;
    expect(await intake.record(event('1'), dropOldest(10))).toBe('full');
  });
});

test('ticks are stored with their events', async () => {
  expect(await intake.lastTick('t')).toBeUndefined();
  await intake.setLastTick('t', 1_000);
  expect(await intake.lastTick('t')).toBe(1_000);
  await intake.record({ ...event('1'), origin: 'schedule', tick: 61_000 }, hold(10));
  expect(await intake.lastTick('t')).toBe(61_000);
});
