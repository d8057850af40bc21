/** Counts of stored invocations for metrics, all from memory. */

import type { BestEffortOutcomes } from '../outcomes/best-effort.ts';
import type { Backlog } from '../queue/backlog.ts';
import type { Invocations } from '../queue/queue.ts';
import type { InvocationWorker } from '../queue/worker/worker.ts';

export type InvocationMetrics = {
  readonly queued: number;
  readonly running: number;
  readonly oldestSeconds: number;
  /** Since the start, by state. */
  readonly ended: Readonly<Record<string, number>>;
  readonly rests: number;
  readonly dropped: number;
};

type InvocationFiguresOptions = {
  readonly backlog: Pick<Backlog, 'queued' | 'oldest'>;
  readonly running: Pick<InvocationWorker, 'inProgress' | 'delayed'>;
  readonly invocations: Pick<Invocations, 'ended'>;
  readonly later: Pick<BestEffortOutcomes, 'dropped'>;
  readonly now: () => Date;
};

export function createInvocationMetrics(options: InvocationFiguresOptions): () => InvocationMetrics {
  const { backlog, running, invocations, later, now } = options;
  return () => ({
    queued: backlog.queued,
    running: running.inProgress.ids.size,
    oldestSeconds: backlog.oldest ? Math.max(0, (now().getTime() - backlog.oldest.getTime()) / 1_000) : 0,
    ended: invocations.ended,
    rests: running.delayed,
    dropped: later.dropped,
  });
}
