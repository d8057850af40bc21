/** Figures of kept invocations for metrics: all of them are in memory. */

import type { LaterRecords } from '../outcomes/best-effort.ts';
import type { Backlog } from '../queue/backlog.ts';
import type { Invocations } from '../queue/queue.ts';
import type { Running } from '../queue/worker/worker.ts';

export type InvocationFigures = {
  readonly queued: number;
  readonly running: number;
  readonly oldestSeconds: number;
  /** Since the start, by state. */
  readonly ended: Readonly<Record<string, number>>;
  readonly rests: number;
  readonly dropped: number;
};

export type InvocationFiguresOptions = {
  readonly backlog: Pick<Backlog, 'queued' | 'oldest'>;
  readonly running: Pick<Running, 'hands' | 'rests'>;
  readonly invocations: Pick<Invocations, 'ended'>;
  readonly later: Pick<LaterRecords, 'dropped'>;
  readonly now: () => Date;
};

export function createInvocationFigures(options: InvocationFiguresOptions): () => InvocationFigures {
  const { backlog, running, invocations, later, now } = options;
  return () => ({
    queued: backlog.queued,
    running: running.hands.ids.size,
    oldestSeconds: backlog.oldest ? Math.max(0, (now().getTime() - backlog.oldest.getTime()) / 1_000) : 0,
    ended: invocations.ended,
    rests: running.rests,
    dropped: later.dropped,
  });
}
