/**
 * Batches of outcomes from one agent: each is stored, then acknowledged. Up to the agent's window they are stored side
 * by side, so that one transaction's wait does not hold up the next. A batch beyond that is refused, and comes again.
 *
 * For an ordered sink, batches are stored in sequence. Invariant: none of these is stored before an earlier one. An
 * agent that learns of a failed batch begins again with the oldest outcome. Everything that it sent before it learned
 * of the failure is refused: all batches until the first outcome of the failed one comes again.
 */
import type { RecordedOutcome } from '@skerry/shared/tunnel/protocol.ts';

export type Batches = {
  add(batch: number, outcomes: readonly RecordedOutcome[]): void;
};

type BatchesOptions = {
  /** Stores the outcomes; they are on disk when it resolves. */
  readonly record: (outcomes: readonly RecordedOutcome[]) => Promise<void>;
  /** Whether the order of these outcomes matters. */
  readonly inOrder: (outcomes: readonly RecordedOutcome[]) => boolean;
  /** The sender must not call it after the agent has disconnected. */
  readonly answer: (batch: number, ok: boolean) => void;
  /** In milliseconds. */
  readonly now: () => number;
};

/** Batches of one agent that are being stored at once, or wait for it; an honest agent has no more. */
export const maxBatches = 4;
/**
 * Milliseconds for which batches that may have been sent before the agent learned of the failure are refused: longer
 * than a frame is on its way, and not without an end, since the agent may have lost the awaited outcome.
 */
const tellMs = 10_000;

/** The earliest batch that was not stored, and has not come again. */
type Gap = { readonly turn: number; readonly first: string | undefined; readonly until: number };

export function createBatches({ record, inOrder, answer, now }: BatchesOptions): Batches {
  let underWay = 0;
  let semaphore = 0;
  let last: Promise<unknown> = Promise.resolve();
  let gap: Gap | undefined;

  const keep = (outcomes: readonly RecordedOutcome[]): Promise<boolean> =>
    record(outcomes).then(
      () => true,
      () => false, // the storing part has logged the reason
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
