import type { FrameOf, ToControl } from '@skerry/shared/tunnel/protocol.ts';
import { maxFrameBytes } from '@skerry/shared/tunnel/protocol.ts';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createSending, type Sending } from './sending.ts';
import type { KeptOutcome, Operation } from './storage/operations.ts';
import type { OutboxClient } from './thread/client.ts';

type Outcomes = FrameOf<ToControl, 'outcomes'>;

let kept: KeptOutcome[];
let sent: Outcomes[];
let sending: Sending;
let backlog: number;
let liveCalls: number;
let unsendable: string | undefined;
/** Ids of damaged outcomes: reading sets them aside. */
let damaged: ReadonlySet<string>;

const outcome = (seq: number, more: Partial<KeptOutcome> = {}): KeptOutcome => ({
  seq,
  id: `o${seq}`,
  function: 'f',
  trigger: 't',
  origin: 'mqtt',
  revision: 1,
  attempts: 1,
  createdAt: 1,
  startedAt: 2,
  endedAt: 3,
  result: { ok: true, output: Buffer.from('1') },
  ...more,
});

/** A file in memory that answers at once. */
const client: Pick<OutboxClient, 'submit' | 'state'> = {
  get state() {
    return { events: 0, outcomes: kept.length, bytes: 0, damaged: 0, oldest: undefined, lastSeq: 0 };
  },
  submit(operation: Operation, onAnswer: (answer: never) => void = () => undefined) {
    const answer = (value: unknown) => onAnswer({ done: true, answer: value } as never);
    if (operation.do === 'forget' || operation.do === 'set-aside') {
      kept = kept.filter(({ seq }) => !operation.seqs.includes(seq));
      return answer(undefined);
    }
    if (operation.do !== 'outcomes') throw new Error(operation.do);
    const { after, limit } = operation;
    const rest = kept.filter(({ seq }) => seq > after);
    const page = rest.slice(0, limit.rows);
    const outcomes = page.filter(({ id }) => !damaged.has(id));
    kept = kept.filter(({ id }) => !page.some((one) => one.id === id) || !damaged.has(id));
    answer({ outcomes, after: page.at(-1)?.seq ?? after, more: rest.length > limit.rows });
  },
};

beforeEach(() => {
  vi.useFakeTimers();
  [kept, sent, backlog, liveCalls, unsendable, damaged] = [[], [], 0, 0, undefined, new Set()];
  sending = createSending({
    client,
    send(frame) {
      if (frame.outcomes.some(({ id }) => id === unsendable)) throw new Error('it does not fit');
      sent.push(frame);
    },
    backlog: () => backlog,
    liveCalls: () => liveCalls,
    onForgotten: () => {},
    random: () => 1,
    now: () => performance.now(),
  });
});
afterEach(() => {
  sending.stop();
  vi.useRealTimers();
});

const fill = (count: number) => {
  kept = Array.from({ length: count }, (_, n) => outcome(n + 1));
};
const firsts = () => sent.map(({ outcomes }) => outcomes[0]?.id);

test('outcomes are sent oldest first, in batches, three in progress at once, and forgotten when acknowledged', () => {
  fill(1_000);
  sending.onUp(3);
  expect(sent.map(({ batch, outcomes }) => [batch, outcomes.length])).toEqual([
    [1, 200],
    [2, 200],
    [3, 200],
  ]);
  sending.onRecorded(2, true);
  expect(kept).toHaveLength(800);
  expect(firsts()).toEqual(['o1', 'o201', 'o401', 'o601']);
  for (const batch of [1, 3, 4, 5]) sending.onRecorded(batch, true);
  expect(kept).toEqual([]);
  expect(sent).toHaveLength(5);
});

test('a refused batch is sent again from the oldest on, after a delay', () => {
  fill(500);
  sending.onUp(3);
  sending.onRecorded(1, false);
  expect(sent).toHaveLength(3);
  // Another batch of that round is acknowledged late.
  sending.onRecorded(2, true);
  vi.advanceTimersByTime(500);
  expect(firsts().slice(3)).toEqual(['o1', 'o401']);
  sending.onRecorded(4, true);
  sending.onRecorded(5, true);
  expect(kept).toEqual([]);
});

test('a batch without an answer counts as lost after 30 s', () => {
  fill(10);
  sending.onUp(3);
  vi.advanceTimersByTime(29_000);
  expect(sent).toHaveLength(1);
  vi.advanceTimersByTime(2_000);
  expect(firsts()).toEqual(['o1', 'o1']);
  sending.onRecorded(1, true);
  expect(kept).toEqual([]);
});

test('with the next tunnel everything that is not acknowledged comes again', () => {
  fill(10);
  sending.onUp(3);
  sending.onDown();
  // An answer for the previous tunnel means nothing.
  sending.onRecorded(1, true);
  expect(kept).toHaveLength(10);
  sending.onUp(3);
  expect(sent.map(({ batch }) => batch)).toEqual([1, 1]);
  sending.onRecorded(1, true);
  expect(kept).toEqual([]);
});

test('a control plane of an earlier version gets none', () => {
  fill(10);
  sending.onUp(2);
  sending.wake();
  expect(sent).toEqual([]);
});

test('while the socket is behind, sending waits', () => {
  fill(10);
  backlog = 1024 * 1024;
  sending.onUp(3);
  vi.advanceTimersByTime(100);
  expect(sent).toEqual([]);
  backlog = 0;
  vi.advanceTimersByTime(100);
  expect(sent).toHaveLength(1);
});

test('beside live calls, batches are small with a pause in between, and grow again afterwards', () => {
  fill(450);
  liveCalls = 1;
  sending.onUp(3);
  expect(firsts()).toEqual(['o1']);
  liveCalls = 0;
  sending.onRecorded(1, true);
  expect(sent).toHaveLength(1);
  vi.advanceTimersByTime(20);
  expect(firsts()).toEqual(['o1', 'o26']);
  vi.advanceTimersByTime(1_000);
  sending.onRecorded(2, true);
  expect(sent.map(({ outcomes }) => outcomes.length)).toEqual([25, 25, 200, 200]);
});

test('input and output that do not fit a frame together: the input is left out', () => {
  const large = Buffer.alloc(maxFrameBytes / 2);
  kept = [outcome(1, { input: large, result: { ok: true, output: large } })];
  sending.onUp(3);
  const [told] = sent[0]?.outcomes ?? [];
  expect(told?.input).toBeUndefined();
  expect(told?.result.ok).toBe(true);
});

test('an outcome that cannot be sent is set aside, and holds up no other', () => {
  fill(3);
  unsendable = 'o2';
  sending.onUp(3);
  expect(firsts()).toEqual(['o1', 'o3']);
  expect(kept.map(({ id }) => id)).toEqual(['o1', 'o3']);
});

test('after a page that is damaged from end to end, later ones are sent in the same round', () => {
  fill(450);
  damaged = new Set(kept.slice(0, 400).map(({ id }) => id));
  sending.onUp(3);
  expect(sent.map(({ outcomes }) => [outcomes[0]?.id, outcomes.length])).toEqual([['o401', 50]]);
  sending.onRecorded(1, true);
  expect(kept).toEqual([]);
});

test('a file that claims to have more and never gives it is not asked again and again', () => {
  fill(1);
  let reads = 0;
  const stuck = { outcomes: [], after: 0, more: true };
  vi.spyOn(client, 'submit').mockImplementation((_operation, onAnswer?: (answer: never) => void) => {
    reads += 1;
    if (reads < 1_000) onAnswer?.({ done: true, answer: stuck } as never);
  });
  sending.onUp(3);
  expect(reads).toBe(1);
  vi.restoreAllMocks();
});

test('an acknowledgement of a batch from before the file was opened again is ignored, since its numbers may belong to others', () => {
  fill(2);
  sending.onUp(3);
  const [before] = sent;
  sending.opened();
  sending.onRecorded(before?.batch ?? 0, true);
  expect(kept).toHaveLength(2);
  sending.onRecorded(sent.at(-1)?.batch ?? 0, true);
  expect(kept).toEqual([]);
});
