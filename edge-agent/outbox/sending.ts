/**
 * Takes outcomes home: oldest first, some batches under way at a time, each until the control plane says that it is on
 * disk there. What is not acknowledged comes again, in full order, after a rest.
 *
 * Invariants: an outcome is forgotten only when a batch that had it was acknowledged; a batch that nobody answers, and
 * a tunnel that goes, cost nothing but time; live calls go first where the wire is slow.
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
  /** The file was opened again: what was read before is void. */
  opened(): void;
  stop(): void;
};

export type SendingOptions = {
  readonly client: Pick<OutboxClient, 'submit' | 'state'>;
  /** @throws CodecError when the frame cannot be sent */
  readonly send: (frame: FrameOf<ToControl, 'outcomes'>) => void;
  /** Bytes that wait for the wire. */
  readonly backlog: () => number;
  /** Calls that somebody waits for. */
  readonly liveCalls: () => number;
  readonly onForgotten: () => void;
  readonly random: () => number;
  /** Monotonic, in milliseconds. */
  readonly now: () => number;
};

/** Version of the protocol from which on outcomes are understood. */
const sinceVersion = 3;
/**
 * Batches under way, outcomes of one, and the rest after one was acknowledged, in milliseconds. A live call waits while
 * both ends encode and check a batch: so a batch has less than a frame may have, and less still while there are calls.
 */
const alone = { window: 3, outcomes: Math.min(200, maxOutcomes), restMs: 0 };
const besideCalls = { window: 1, outcomes: 25, restMs: 20 };
/** After a live call was seen, there may be others, for so many milliseconds. */
const calmMs = 1_000;
/** How long a batch may be unanswered, in milliseconds. */
const patienceMs = 30_000;
/** Batches given up on whose answer still counts. */
const keptLate = 16;
/** While so many bytes wait for the wire, nothing is added to them; then is looked again after so many milliseconds. */
const maxBacklogBytes = 256 * 1024;
const backlogMs = 20;
const restBackoff = { baseMs: 500, capMs: 30_000 };
/** Room in a frame for everything but input and output. */
const frameRoom = 64 * 1024;

type Batch = { readonly seqs: readonly number[]; readonly timer: NodeJS.Timeout };

export function createSending(options: SendingOptions): Sending {
  const { client, send, backlog, liveCalls, onForgotten, random, now } = options;
  const underWay = new Map<number, Batch>();
  /** Batches that were given up on; should they be acknowledged after all, so much the better. */
  const late = new Map<number, readonly number[]>();
  let up = false;
  let lastBatch = 0;
  /** Number of the last outcome that this round has come to; those up to it are sent, or set aside. */
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

  /** Begins again with the oldest, after a rest. */
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
    // Nothing was sent that is not acknowledged, and there is nothing: no need to ask.
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
      // Of a page that was damaged from end to end nothing is sent, and those behind it are next.
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

  /** One of them cannot be sent: the others go by themselves, and it is set aside. */
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
      // Numbers of rows may stand for others now, where the file was damaged.
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

/** The outcome as it goes: without its input where both would not fit a frame. */
function fitting({ seq: _seq, ...outcome }: KeptOutcome): RecordedOutcome {
  const output = outcome.result.ok ? outcome.result.output.byteLength : 0;
  if ((outcome.input?.byteLength ?? 0) + output <= maxFrameBytes - frameRoom) return outcome;
  const { input: _input, ...rest } = outcome;
  return rest;
}
