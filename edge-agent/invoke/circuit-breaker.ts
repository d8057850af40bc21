/**
 * A circuit breaker: holds back functions that keep ending their runner, so that one function cannot take the device
 * from the others.
 *
 * Each loss of the process is a strike, shared by the functions that had calls in it. The cause is unknown, but a
 * function with many successful calls since its last loss is less likely to be the cause than one with none. So the
 * shares are weighted by `1 / (1 + successful calls)`, and a function that is called all the time is not charged for
 * one that ends the process at every call. With about three strikes within `windowMs` the circuit of a function opens:
 * its calls are refused for a while. Then one call is let through as a trial. If it ends without a loss the circuit
 * closes, otherwise it opens for longer.
 */
import { backoffDelay } from '@skerry/shared/backoff.ts';

export type CircuitBreaker = {
  /** Milliseconds for which calls of this function are refused; 0: it may be called now. */
  heldForMs(functionId: string): number;
  /** A call of it ended; `ran` when the process survived it. */
  ended(functionId: string, ran: boolean): void;
  /** The process was lost, with calls of these functions in it, each named once. */
  lost(functionIds: readonly string[]): void;
  /** Whether the last loss counts as this function's own: it was a more likely cause than all others together. */
  isBlamed(functionId: string): boolean;
  /** The function was replaced or removed. */
  forget(functionId: string): void;
  /** Functions that are held back, and for how long. */
  held(): { function: string; retryInMs: number }[];
};

/** A little less than three: a share of a strike always goes to functions that were there as well. */
const strikesAllowed = 2.7;
const windowMs = 60_000;
const backoff = { baseMs: 5_000, capMs: 300_000 };
/** Without jitter: no other caller waits for the same moment. */
const noJitter = 1;
/** Successful calls count up to this number: many calls of one function must not put all the blame on another. */
const maxCounted = 100;
/** A trial with at least this share of a loss has failed. */
const blamed = 0.5;

type State = {
  /** Successful calls since the last loss that it was in. */
  well: number;
  strikes: { at: number; weight: number }[];
  /** How often the circuit has opened since it was last closed. */
  openings: number;
  openUntil: number;
  /** A trial is running. */
  trying: boolean;
  /** Its share of the last loss. */
  lastWeight: number;
};

/** @param now monotonic, in milliseconds */
export function createCircuitBreaker(now: () => number): CircuitBreaker {
  /** Functions that were called; the agent's functions are bounded. */
  const states = new Map<string, State>();

  const stateOf = (functionId: string): State => {
    let state = states.get(functionId);
    if (!state) {
      state = { well: 0, strikes: [], openings: 0, openUntil: 0, trying: false, lastWeight: 0 };
      states.set(functionId, state);
    }
    return state;
  };

  const open = (state: State) => {
    state.openings += 1;
    state.openUntil = now() + backoffDelay(state.openings, noJitter, 0, backoff);
    state.strikes = [];
    state.trying = false;
  };

  const strike = (state: State, weight: number) => {
    const failedTry = state.trying && weight >= blamed;
    state.trying = false;
    state.well = 0;
    state.lastWeight = weight;
    const since = now() - windowMs;
    state.strikes = [...state.strikes.filter(({ at }) => at > since), { at: now(), weight }];
    const sum = state.strikes.reduce((weights, { weight: one }) => weights + one, 0);
    if (failedTry || (sum > strikesAllowed && state.openUntil <= now())) open(state);
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
    ended(functionId, ran) {
      const state = stateOf(functionId);
      if (ran) {
        state.lastWeight = 0;
        state.well = Math.min(state.well + 1, maxCounted);
        // A call from before the circuit opened proves nothing.
        if (state.trying) state.openings = 0;
      }
      state.trying = false;
    },
    lost(functionIds) {
      const involved = functionIds.map(stateOf);
      const suspicions = involved.map(({ well }) => 1 / (1 + well));
      const sum = suspicions.reduce((all, suspicion) => all + suspicion, 0);
      for (const [index, state] of involved.entries()) strike(state, (suspicions[index] ?? 0) / sum);
    },
    // A function forgotten since the loss has been redeployed, so the blame no longer applies.
    isBlamed: (functionId) => (states.get(functionId)?.lastWeight ?? 0) > blamed,
    forget: (functionId) => void states.delete(functionId),
    held: () =>
      [...states].flatMap(([id, { openings, openUntil }]) =>
        openings > 0 ? [{ function: id, retryInMs: Math.max(0, Math.ceil(openUntil - now())) }] : [],
      ),
  };
}
