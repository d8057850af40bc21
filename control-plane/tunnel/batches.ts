/**
 * Batches of outcomes that one agent sends: each is kept, then answered. As many as an agent may have under way are
 * kept side by side, so that one transaction's wait does not hold up the next; what is beyond that is refused, and
 * comes again.
 *
 * Where a sink wants its outcomes in order, batches are kept one after another. Invariant: none of these is kept before
 * one that came earlier. An agent that is told of a batch that was not kept begins again with the oldest outcome; what it
 * sent before it was told is refused, which is all that comes until the first outcome of that batch is there again.
 */
import type { RecordedOutcome } from '@skerry/shared/tunnel/protocol.ts';

export type Batches = {
  add(batch: number, outcomes: readonly RecordedOutcome[]): void;
};

export type BatchesOptions = {
  /** On disk when it resolves. */
  readonly record: (outcomes: readonly RecordedOutcome[]) => Promise<void>;
  /** Whether it matters in which order these are kept. */
  readonly inOrder: (outcomes: readonly RecordedOutcome[]) => boolean;
  /** Not called for an agent that has gone: whoever sends it sees to that. */
  readonly answer: (batch: number, ok: boolean) => void;
  /** In milliseconds. */
  readonly now: () => number;
};

/** Batches of one agent that are being kept at one time, or wait for it; an honest one has no more under way. */
export const maxBatches = 4;
/**
 * Milliseconds for which what may have been sent before the agent was told is refused: longer than a frame is on its way,
 * and not for ever, since the agent may have lost the outcome that is waited for.
 */
const tellMs = 10_000;

/** The earliest batch that was not kept, and has not come again. */
type Gap = { readonly turn: number; readonly first: string | undefined; readonly until: number };

export function createBatches({ record, inOrder, answer, now }: BatchesOptions): Batches {
  let underWay = 0;
  let semaphore = 0;
  let last: Promise<unknown> = Promise.resolve();
  let gap: Gap | undefined;

  const keep = (outcomes: readonly RecordedOutcome[]): Promise<boolean> =>
    record(outcomes).then(
      () => true,
      () => false, // whoever keeps them has told why
    );

  const missed = (turn: number, outcomes: readonly RecordedOutcome[]) => {
    if (!gap || turn < gap.turn) gap = { turn, first: outcomes[0]?.id, until: now() + tellMs };
  };

  const keepInTurn = async (turn: number, outcomes: readonly RecordedOutcome[]): Promise<boolean> => {
    if (gap && turn > gap.turn) {
      const { first, until } = gap;
      if (now() < until && !outcomes.some(({ id }) => id === first)) return false;
      gap = undefined;
    }
    const ok = await keep(outcomes);
    if (!ok) missed(turn, outcomes);
    return ok;
  };

  const take = (outcomes: readonly RecordedOutcome[]): Promise<boolean> => {
    if (!inOrder(outcomes)) return keep(outcomes);
    semaphore += 1;
    const turn = semaphore;
    const kept = last.then(() => keepInTurn(turn, outcomes));
    last = kept;
    return kept;
  };

  return {
    add(batch, outcomes) {
      if (underWay >= maxBatches) {
        if (inOrder(outcomes)) {
          semaphore += 1;
          missed(semaphore, outcomes);
        }
        answer(batch, false);
        return;
      }
      underWay += 1;
      void take(outcomes).then((ok) => {
        underWay -= 1;
        answer(batch, ok);
      });
    },
  };
}
