/**
 * Waits until the agents concerned by a change have applied it. Each rollout keeps the set of sessions it still waits
 * for, so that one agent's report costs the same for any number of agents.
 */
import type { Session } from './session.ts';

type Rollouts = {
  /** Resolves when all of the sessions have applied their current desired state, or are gone, or after `waitMs`. */
  wait(sessions: Iterable<Session>, waitMs: number): Promise<void>;
  /** A session made progress, or is gone. */
  progress(session: Session, gone: boolean): void;
};

type Rollout = { pending: Map<Session, number>; done: () => void };

export function createRollouts(): Rollouts {
  const active = new Set<Rollout>();
  return {
    wait(sessions, waitMs) {
      const pending = new Map<Session, number>();
      for (const session of sessions) {
        const target = session.desired.generation;
        if (session.applied < target) pending.set(session, target);
      }
      if (pending.size === 0 || waitMs <= 0) return Promise.resolve();
      return new Promise((resolve) => {
        const done = () => {
          clearTimeout(timer);
          active.delete(rollout);
          resolve();
        };
        const timer = setTimeout(done, waitMs);
        const rollout = { pending, done };
        active.add(rollout);
      });
    },
    progress(session, gone) {
      for (const { pending, done } of active) {
        const target = pending.get(session);
        if (target === undefined || (!gone && session.applied < target)) continue;
        pending.delete(session);
        if (pending.size === 0) done();
      }
    },
  };
}
