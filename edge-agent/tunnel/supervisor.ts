/**
 * Keeps one tunnel up: carries out the actions of state.ts with real timers and sockets, and notifies the rest of the
 * agent when the tunnel comes up, when frames arrive on it, and when it ends.
 */
import type { ToControl } from '@skerry/shared/tunnel/protocol.ts';
import type { Logger } from 'pino';
import { type ControlFrame, dial, type Hello, type Line, type Welcome } from './dial.ts';
import { initialState, type TunnelEvent, type TunnelState, transition } from './state.ts';

type TunnelOptions = {
  readonly server: URL;
  readonly handshakeTimeoutMs: number;
  readonly hello: (nonce: Uint8Array, host: string) => Hello;
  readonly log: Logger;
  readonly now?: () => number;
  readonly random?: () => number;
};

type TunnelHandlers = {
  onUp(welcome: Welcome): void;
  onFrame(frame: ControlFrame): void;
  onDown(): void;
  /** The control plane requested a stop that an operator must resolve. Not called for our own `stop`. */
  onRefused(reason: string): void;
};

export type Tunnel = {
  start(): void;
  /** Dropped while the tunnel is not up. */
  send(frame: ToControl): void;
  /** Bytes that wait to be sent. */
  readonly backlog: number;
  readonly state: TunnelState['name'];
  /** Closes the tunnel and never dials again. */
  stop(): void;
};

export function createTunnel(options: TunnelOptions, handlers: TunnelHandlers): Tunnel {
  const { log, now = performance.now.bind(performance), random = Math.random } = options;
  let state: TunnelState = initialState;
  let line: Line | undefined;
  let timer: NodeJS.Timeout | undefined;

  const on = (event: TunnelEvent) => {
    const before = state;
    const next = transition(state, event, { now: now(), random: random() });
    state = next.state;
    if (before.name === 'up' && state.name !== 'up') handlers.onDown();
    switch (next.action.do) {
      case 'dial':
        return connect();
      case 'wait': {
        const { ms, reason } = next.action;
        log.warn({ reason, retryInMs: ms }, 'tunnel down');
        timer = setTimeout(() => on({ name: 'due' }), ms);
        return;
      }
      case 'halt':
        clearTimeout(timer);
        line?.close();
        if (state.name === 'stopped' && state.close) handlers.onRefused(state.reason);
        return;
      case 'nothing':
        return;
    }
  };

  const connect = () => {
    line = dial(options, {
      onOpened: () => on({ name: 'opened' }),
      onWelcome(welcome) {
        on({ name: 'welcomed' });
        log.info({ server: options.server.origin, agent: welcome.agentId, epoch: welcome.epoch }, 'tunnel up');
        handlers.onUp(welcome);
      },
      onFrame(frame) {
        if (frame.kind === 'drain') on({ name: 'drained', retryAfterMs: frame.retryAfterMs });
        else if (state.name === 'up') handlers.onFrame(frame);
      },
      onClosed(code, reason) {
        line = undefined;
        on({ name: 'closed', code, reason });
      },
    });
  };

  return {
    start: () => on({ name: 'due' }),
    send(frame) {
      if (state.name === 'up') line?.send(frame);
    },
    get backlog() {
      return line?.backlog ?? 0;
    },
    get state() {
      return state.name;
    },
    stop: () => on({ name: 'stop' }),
  };
}
