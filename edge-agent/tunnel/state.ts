/**
 * The state machine of the tunnel, as a pure function: state and event in, state and action out. The supervisor owns
 * sockets, timers and random numbers; every decision is made here.
 *
 *     waiting ──due──▶ dialing ──opened──▶ greeting ──welcomed──▶ up
 *        ▲                │                   │                   │
 *        └────────────────┴───── closed ──────┴───────────────────┘      closed with a "stop" code, or stop ──▶ stopped
 *
 * The table below has a cell for every state and every event; a missing one does not compile.
 */
import { backoffDelay } from '@skerry/shared/backoff.ts';
import { afterClose, type CloseName, closeName } from '@skerry/shared/tunnel/close.ts';

/** `failures`: consecutive attempts that did not last. `floorMs`: the minimum wait that the control plane requested. */
type Common = { readonly failures: number; readonly floorMs: number };

export type TunnelState =
  | ({ readonly name: 'waiting' } & Common)
  | ({ readonly name: 'dialing' } & Common)
  | ({ readonly name: 'greeting' } & Common)
  | ({ readonly name: 'up'; readonly since: number } & Common)
  | { readonly name: 'stopped'; readonly close: CloseName | undefined; readonly reason: string };

export type TunnelEvent =
  /** The wait is over. */
  | { readonly name: 'due' }
  | { readonly name: 'opened' }
  | { readonly name: 'welcomed' }
  /** The control plane drains, and names the minimum wait. */
  | { readonly name: 'drained'; readonly retryAfterMs: number }
  /** The connection is gone, or never opened. */
  | { readonly name: 'closed'; readonly code: number; readonly reason: string }
  /** The agent is shutting down. */
  | { readonly name: 'stop' };

type TunnelAction =
  | { readonly do: 'nothing' }
  | { readonly do: 'dial' }
  | { readonly do: 'wait'; readonly ms: number; readonly reason: string }
  /** Close the connection if there is one; no other follows. */
  | { readonly do: 'halt' };

type Transition = { readonly state: TunnelState; readonly action: TunnelAction };

/** Time (milliseconds, monotonic) and a random number ([0, 1)) for one transition. */
type TransitionContext = { readonly now: number; readonly random: number };

/** A tunnel that lasted this long was good: the next failure counts as the first. */
export const graceMs = 10_000;

export const initialState: TunnelState = { name: 'waiting', failures: 0, floorMs: 0 };

type StateOf<N extends TunnelState['name']> = Extract<TunnelState, { name: N }>;
type EventOf<N extends TunnelEvent['name']> = Extract<TunnelEvent, { name: N }>;
type Table = {
  readonly [S in TunnelState['name']]: {
    readonly [E in TunnelEvent['name']]: (
      state: StateOf<S>,
      event: EventOf<E>,
      around: TransitionContext,
    ) => Transition;
  };
};

const stay = (state: TunnelState): Transition => ({ state, action: { do: 'nothing' } });

const stop = (): Transition => ({
  state: { name: 'stopped', close: undefined, reason: 'asked to stop' },
  action: { do: 'halt' },
});

const lost = (state: Common, { code, reason }: EventOf<'closed'>, { random }: TransitionContext): Transition => {
  const after = afterClose(code);
  if (after.next === 'stop') {
    return { state: { name: 'stopped', close: closeName(code), reason }, action: { do: 'halt' } };
  }
  const failures = state.failures + 1;
  const floorMs = Math.max(state.floorMs, after.next === 'wait' ? after.atLeastMs : 0);
  return {
    state: { name: 'waiting', failures, floorMs: 0 },
    action: { do: 'wait', ms: backoffDelay(failures, random, floorMs), reason },
  };
};

const drained = <S extends StateOf<'greeting' | 'up'>>(state: S, { retryAfterMs }: EventOf<'drained'>): Transition =>
  stay({ ...state, floorMs: retryAfterMs });

const table: Table = {
  waiting: {
    due: (state) => ({ state: { ...state, name: 'dialing' }, action: { do: 'dial' } }),
    opened: stay,
    welcomed: stay,
    drained: stay,
    closed: stay,
    stop,
  },
  dialing: {
    due: stay,
    opened: (state) => stay({ ...state, name: 'greeting' }),
    welcomed: stay,
    drained: stay,
    closed: lost,
    stop,
  },
  greeting: {
    due: stay,
    opened: stay,
    welcomed: (state, _event, { now }) => stay({ ...state, name: 'up', since: now }),
    drained,
    closed: lost,
    stop,
  },
  up: {
    due: stay,
    opened: stay,
    welcomed: stay,
    drained,
    closed: (state, event, around) =>
      lost({ ...state, failures: around.now - state.since >= graceMs ? 0 : state.failures }, event, around),
    stop,
  },
  stopped: { due: stay, opened: stay, welcomed: stay, drained: stay, closed: stay, stop: stay },
};

/** The next state, and the action for now. */
export function transition(state: TunnelState, event: TunnelEvent, around: TransitionContext): Transition {
  // The table is typed cell by cell; a lookup by two runtime names is beyond the type checker.
  const cell = table[state.name][event.name] as (s: TunnelState, e: TunnelEvent, a: TransitionContext) => Transition;
  return cell(state, event, around);
}
