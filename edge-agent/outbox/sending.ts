/**
 * Delivers outcomes to the control plane: oldest first, a few batches in progress at once, each until the control plane
 * says that it is on disk there. Without that, outcomes are sent again, in full order, after a delay.
 *
 * The loop is written by hand because several batches are in progress at once.
 *
 * Invariants: an outcome is forgotten only when a batch with it was acknowledged. A batch without an answer, and a lost
 * tunnel, cost nothing but time. Live calls go first where the link is slow.
 */
import { backoffDelay } from '@skerry/shared/backoff.ts';
import {
  type FrameOf,
  maxFrameBytes,
  maxOutcomes,
  outcomesBytes,
  type RecordedOutcome,
  type ToControl,
} from '@skerry/shared/tunnel/protocol.ts';
import type { KeptOutcome } from './storage/operations.ts';
import type { OutboxClient } from './thread/client.ts';

export type Sending = {
  /** The tunnel is up. @param version that its other end speaks */
  onUp(version: number): void;
  onDown(): void;
  onRecorded(batch: number, ok: boolean): void;
  /** There may be outcomes to send. */
  wake(): void;
  /** The file was opened again: earlier reads are void. */
  opened(): void;
  stop(): void;
};

type SendingOptions = {
  readonly client: Pick<OutboxClient, 'submit' | 'state'>;
  /** @throws CodecError when the frame cannot be sent */
  readonly send: (frame: FrameOf<ToControl, 'outcomes'>) => void;
  /** Bytes that wait for the socket. */
  readonly backlog: () => number;
  /** Live calls. */
  readonly liveCalls: () => number;
  readonly onForgotten: () => void;
  readonly random: () => number;
  /** Monotonic, in milliseconds. */
  readonly now: () => number;
};

/** First protocol version that knows outcomes. */
const sinceVersion = 3;
/**
 * Batches in progress, outcomes of one, and the pause after one was acknowledged, in milliseconds. A live call waits
 * while both ends encode and check a batch. So a batch has less than a frame may have, and even less while there are
 * calls.
 */
const alone = { window: 3, outcomes: Math.min(200, maxOutcomes), restMs: 0 };
const besideCalls = { window: 1, outcomes: 25, restMs: 20 };
/** Milliseconds after a live call during which others are expected. */
const calmMs = 1_000;
/** Milliseconds that a batch may be unanswered. */
const patienceMs = 30_000;
/** Batches given up on whose answer still counts. */
const keptLate = 16;
/**
 * While this number of bytes waits for the socket, nothing is added to them; then it is checked again after this number
 * of milliseconds.
 */
const maxBacklogBytes = 256 * 1024;
const backlogMs = 20;
const restBackoff = { baseMs: 500, capMs: 30_000 };
/** Room in a frame for everything but input and output. */
const frameRoom = 64 * 1024;

type Batch = { readonly seqs: readonly number[]; readonly timer: NodeJS.Timeout };

export function createSending(options: SendingOptions): Sending {
  const { client, send, backlog, liveCalls, onForgotten, random, now } = options;
  const underWay = new Map<number, Batch>();
  /** Batches that were given up on, in case they are acknowledged after all. */
  const late = new Map<number, readonly number[]>();
  let up = false;
  let lastBatch = 0;
  /** Number of the last outcome of this round; earlier ones are sent, or set aside. */
  let sent = 0;
  let round = 0;
  let reading = false;
  let failures = 0;
  let rest: NodeJS.Timeout | undefined;
  let lastCall = Number.NEGATIVE_INFINITY;

  const pace = () => {
    if (liveCalls() > 0) lastCall = now();
    return now() - lastCall < calmMs ? besideCalls : alone;
  };

  const forget = (seqs: readonly number[]) =>
    client.submit({ do: 'forget', seqs }, (answered) => answered.done && onForgotten());

  /** Begins again with the oldest, after a delay. */
  const again = () => {
    round += 1;
    sent = 0;
    for (const [number, { seqs, timer }] of underWay) {
      clearTimeout(timer);
      late.set(number, seqs);
    }
    underWay.clear();
    for (const number of late.keys()) {
      if (late.size <= keptLate) break;
      late.delete(number);
    }
    failures += 1;
    wakeAfter(backoffDelay(failures, random(), 0, restBackoff));
  };

  const wakeAfter = (ms: number) => {
    clearTimeout(rest);
    rest = setTimeout(() => {
      rest = undefined;
      next();
    }, ms);
  };

  function next(): void {
    if (!up || reading || rest) return;
    const { window, outcomes: rows } = pace();
    if (underWay.size >= window) return;
    if (backlog() > maxBacklogBytes) {
      wakeAfter(backlogMs);
      return;
    }
    // No outcome is in the file beyond those that are sent: no need to ask.
    if (client.state === undefined || client.state.outcomes === 0) return;
    reading = true;
    const asked = round;
    client.submit({ do: 'outcomes', after: sent, limit: { rows, bytes: outcomesBytes } }, (read) => {
      reading = false;
      if (!up || asked !== round) return next();
      if (!read.done) return again();
      const { outcomes, after, more } = read.answer;
      const cameOn = after > sent;
      sent = after;
      // A page that was damaged from end to end sends nothing, and the next page follows.
      if (outcomes.length > 0) sendBatch(outcomes);
      if (more && cameOn) next();
    });
  }

  const sendBatch = (outcomes: readonly KeptOutcome[]) => {
    const seqs = outcomes.map(({ seq }) => seq);
    lastBatch += 1;
    const batch = lastBatch;
    try {
      send({ kind: 'outcomes', batch, outcomes: outcomes.map(fitting) });
    } catch {
      return sendOneByOne(outcomes);
    }
    underWay.set(batch, { seqs, timer: setTimeout(again, patienceMs) });
  };

  /** One of them cannot be sent: it is set aside, and the others are sent one by one. */
  const sendOneByOne = (outcomes: readonly KeptOutcome[]) => {
    const [only, ...others] = outcomes;
    if (only && others.length === 0) return client.submit({ do: 'set-aside', seqs: [only.seq] });
    for (const outcome of outcomes) sendBatch([outcome]);
  };

  return {
    onUp(version) {
      up = version >= sinceVersion;
      next();
    },
    onDown() {
      up = false;
      round += 1;
      sent = 0;
      clearTimeout(rest);
      rest = undefined;
      for (const { timer } of underWay.values()) clearTimeout(timer);
      underWay.clear();
      // Numbers count per tunnel.
      late.clear();
      lastBatch = 0;
    },
    onRecorded(batch, ok) {
      const known = underWay.get(batch);
      const seqs = known?.seqs ?? late.get(batch);
      if (!seqs) return;
      late.delete(batch);
      if (known) {
        clearTimeout(known.timer);
        underWay.delete(batch);
      }
      if (ok) {
        failures = 0;
        forget(seqs);
        const { restMs } = pace();
        if (restMs > 0 && !rest) wakeAfter(restMs);
        else next();
      } else if (known) again();
    },
    wake: next,
    opened() {
      round += 1;
      sent = 0;
      // Numbers may belong to other rows now, where the file was damaged.
      for (const { timer } of underWay.values()) clearTimeout(timer);
      underWay.clear();
      late.clear();
      next();
    },
    stop() {
      up = false;
      clearTimeout(rest);
      for (const { timer } of underWay.values()) clearTimeout(timer);
    },
  };
}

/** The outcome for the frame: without its input where both would not fit. */
function fitting({ seq: _seq, ...outcome }: KeptOutcome): RecordedOutcome {
  const output = outcome.result.ok ? outcome.result.output.byteLength : 0;
  if ((outcome.input?.byteLength ?? 0) + output <= maxFrameBytes - frameRoom) return outcome;
  const { input: _input, ...rest } = outcome;
  return rest;
}
