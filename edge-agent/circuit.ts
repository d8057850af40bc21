/**
 * Holds back functions that keep ending their runner, so that one function cannot take the device from the others.
 *
 * Each loss of the process is a strike, shared by the functions that were in it: alone in it, a function bears all of
 * it. With `strikesAllowed` strikes within `windowMs` its circuit opens: calls are refused for a while. Then one call
 * is let through to try; if it ends without a loss the circuit closes, else it opens for longer.
 */
import { backoffDelay } from '@skerry/shared/backoff.ts';

export type Circuit = {
  /** Milliseconds for which calls of this function are refused; 0: it may be called now. */
  heldForMs(functionId: string): number;
  /** A call of it ended; `lostAmong` when the process was lost under it, with that many calls. */
  ended(functionId: string, lostAmong: number | undefined): void;
  /** The function is another one now, or gone. */
  forget(functionId: string): void;
  /** Functions that are held back, and for how long. */
  held(): { function: string; retryInMs: number }[];
};

const strikesAllowed = 3;
const windowMs = 60_000;
const backoff = { baseMs: 5_000, capMs: 300_000 };
/** The circuit is for runaways: nobody else waits for the same moment, so there is nothing to spread. */
const noJitter = 1;

type State = {
  strikes: { at: number; weight: number }[];
  /** Times the circuit has opened since it was last closed. */
  openings: number;
  openUntil: number;
  /** A call is out to try. */
  trying: boolean;
};

/** @param now monotonic, in milliseconds */
export function createCircuit(now: () => number): Circuit {
  /** Only functions that have done harm of late. */
  const states = new Map<string, State>();

  const open = (state: State) => {
    state.openings += 1;
    state.openUntil = now() + backoffDelay(state.openings, noJitter, 0, backoff);
    state.strikes = [];
    state.trying = false;
  };

  return {
    heldForMs(functionId) {
      const state = states.get(functionId);
      if (!state || state.openings === 0) return 0;
      const left = Math.ceil(state.openUntil - now());
      if (left > 0) return left;
      if (state.trying) return backoff.baseMs;
      state.trying = true;
      return 0;
    },
    ended(functionId, lostAmong) {
      const state = states.get(functionId);
      if (lostAmong === undefined) {
        if (state?.trying) states.delete(functionId);
        return;
      }
      const struck = state ?? { strikes: [], openings: 0, openUntil: 0, trying: false };
      states.set(functionId, struck);
      if (struck.trying) return open(struck);
      const since = now() - windowMs;
      struck.strikes = [...struck.strikes.filter(({ at }) => at > since), { at: now(), weight: 1 / lostAmong }];
      const weight = struck.strikes.reduce((sum, strike) => sum + strike.weight, 0);
      // Thirds do not add up to one.
      if (weight > strikesAllowed - 0.001 && struck.openUntil <= now()) open(struck);
    },
    forget: (functionId) => void states.delete(functionId),
    held: () =>
      [...states].flatMap(([id, { openings, openUntil }]) =>
        openings > 0 ? [{ function: id, retryInMs: Math.max(0, Math.ceil(openUntil - now())) }] : [],
      ),
  };
}
