/**
 * Batches of outcomes that one agent sends: each is kept, then answered. As many as an agent may have under way are
 * kept side by side, so that one transaction's wait does not hold up the next; what is beyond that is refused, and
 * comes again.
 */
import type { RecordedOutcome } from '@skerry/shared/protocol.ts';

export type Batches = {
  add(batch: number, outcomes: readonly RecordedOutcome[]): void;
};

/** Batches of one agent that are being kept at one time; an honest one has no more under way. */
export const maxBatches = 4;

/** @param answer not called for an agent that has gone: whoever sends it sees to that */
export function createBatches(
  record: (outcomes: readonly RecordedOutcome[]) => Promise<void>,
  answer: (batch: number, ok: boolean) => void,
): Batches {
  let underWay = 0;
  const keep = async (batch: number, outcomes: readonly RecordedOutcome[]) => {
    underWay += 1;
    const ok = await record(outcomes).then(
      () => true,
      () => false, // whoever keeps them has told why
    );
    underWay -= 1;
    answer(batch, ok);
  };
  return {
    add(batch, outcomes) {
      if (underWay >= maxBatches) answer(batch, false);
      else void keep(batch, outcomes);
    },
  };
}
