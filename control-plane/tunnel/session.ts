/**
 * One agent while its tunnel stands: its calls, its code push, its load, and how far it is with its desired state.
 * Joins the socket (connection.ts) with the table of pending calls (calls.ts); which session counts is the hub's.
 */
import type { CloseName } from '@skerry/shared/close.ts';
import { SkerryError } from '@skerry/shared/errors.ts';
import type { Labels } from '@skerry/shared/names.ts';
import type { ApplyError, FrameOf, ToAgent, ToControl } from '@skerry/shared/protocol.ts';
import type { WebSocket } from 'ws';
import type { Bundles } from '../bundles.ts';
import type { CatalogFunction } from '../catalog-function.ts';
import { CallLost, createCalls, type Outcome } from './calls.ts';
import { createConnection } from './connection.ts';
import type { DesiredList } from './desired.ts';
import { createPush } from './push.ts';
import { readLoad, type ScrapedLoad } from './scrape.ts';

/** Calls in flight to one agent at most; a further one is refused with `agent_busy` and goes elsewhere. */
const maxCalls = 4_096;
/** Unsent bytes to one agent at which further calls are refused with `agent_busy`. */
const maxBacklogBytes = 16 * 1024 * 1024;
/** How long an agent may take to answer a scrape, in milliseconds. */
const scrapeTimeoutMs = 5_000;

export type SessionIdentity = {
  readonly agentId: string;
  readonly name: string;
  readonly labels: Labels;
  readonly epoch: number;
  readonly agentVersion: string;
  readonly since: Date;
};

export type SessionOptions = {
  readonly pingIntervalMs: number;
  readonly statusIntervalMs: number;
  readonly scrapeIntervalMs: number;
  readonly protocolVersion: number;
};

export type SessionEvents = {
  /** The agent said how far it is with its desired state. */
  onProgress(session: Session): void;
  onClose(session: Session, reason: string): void;
};

export type CallRequest = Omit<FrameOf<ToAgent, 'invoke'>, 'kind'>;

export type Session = SessionIdentity & {
  readonly load: Readonly<ScrapedLoad>;
  /** The list it was last told to hold. */
  readonly desired: DesiredList;
  /** Generation that it last reported as applied; 0 before its first report. */
  readonly applied: number;
  readonly draining: boolean;
  /** Tells the agent its desired state, if that is another than it was told. */
  want(list: DesiredList): void;
  /** True when the function's current revision is ready there. */
  holds(fn: Pick<CatalogFunction, 'id' | 'since'>): boolean;
  /** Why the agent could not apply this function, if it could not. */
  failure(functionId: string): ApplyError | undefined;
  /**
   * Sends an invocation and waits for its outcome. Rejects with CallLost when the tunnel goes, with `agent_busy`
   * when too much waits already, with the signal's reason when it aborts (the agent is then told to cancel).
   */
  call(request: CallRequest, signal: AbortSignal): Promise<Outcome>;
  /** The agent's Prometheus text, fetched now. Rejects with `agent_unreachable`. */
  scrape(): Promise<string>;
  close(name: CloseName, message?: string): void;
  /** Tells the agent to come back later, then closes. */
  drain(retryAfterMs: number): void;
};

export function createSession(
  socket: WebSocket,
  identity: SessionIdentity,
  first: DesiredList,
  initialLoad: ScrapedLoad,
  bundles: Pick<Bundles, 'read'>,
  options: SessionOptions,
  events: SessionEvents,
): Session {
  const calls = createCalls();
  const scrapes = new Map<number, { resolve: (text: string) => void; reject: (error: SkerryError) => void }>();
  const load: ScrapedLoad = { ...initialLoad };
  let desired = first;
  let applied = 0;
  let errors = new Map<string, ApplyError>();
  let draining = false;
  let scrapeCount = 0;

  const connection = createConnection(socket, options.pingIntervalMs, {
    onFrame: (frame) => take(frame),
    onClose(reason) {
      clearInterval(scraping);
      calls.failAll(reason);
      for (const pending of scrapes.values()) pending.reject(new SkerryError('agent_unreachable', reason));
      scrapes.clear();
      events.onClose(session, reason);
    },
  });
  const push = createPush(connection, bundles, (digest) => desired.bundles.has(digest));

  const take = (frame: Exclude<ToControl, { kind: 'ping' | 'pong' | 'hello' }>) => {
    switch (frame.kind) {
      case 'outcome':
        updateLoad(frame);
        return calls.outcome(frame);
      case 'accepted':
        return calls.accepted(frame.id);
      case 'want':
        return push.want(frame.digest, frame.offset);
      case 'applied':
        errors = new Map(frame.errors.map((error) => [error.function, error]));
        return progressTo(frame.generation);
      case 'status':
        updateLoad(frame);
        return progressTo(frame.generation);
      case 'metrics': {
        const pending = scrapes.get(frame.id);
        scrapes.delete(frame.id);
        return pending?.resolve(frame.text);
      }
      case 'drain':
        draining = true;
        return;
    }
  };
  const updateLoad = (report: { memoryAvailable: number; running: number }) => {
    load.memoryAvailable = report.memoryAvailable;
    load.running = report.running;
  };
  const progressTo = (generation: number) => {
    // An agent cannot be ahead of what it was told; one that says so is taken at what it was told.
    applied = Math.min(generation, desired.generation);
    events.onProgress(session);
  };
  const scrape = () =>
    new Promise<string>((resolve, reject) => {
      scrapeCount += 1;
      const id = scrapeCount;
      const timer = setTimeout(() => {
        scrapes.delete(id);
        reject(new SkerryError('agent_unreachable', 'the agent did not send its metrics in time'));
      }, scrapeTimeoutMs);
      const settle =
        <T>(finish: (value: T) => void) =>
        (value: T) => {
          clearTimeout(timer);
          finish(value);
        };
      scrapes.set(id, { resolve: settle(resolve), reject: settle(reject) });
      connection.send({ kind: 'scrape', id });
    });
  const scraping = setInterval(() => {
    scrape().then(
      (text) => Object.assign(load, readLoad(text)),
      () => undefined, // an agent that does not answer is found by its missing signs of life
    );
  }, options.scrapeIntervalMs);

  const session: Session = {
    ...identity,
    load,
    get desired() {
      return desired;
    },
    get applied() {
      return applied;
    },
    get draining() {
      return draining;
    },
    want(list) {
      if (list === desired) return;
      desired = list;
      for (const frame of list.frames) connection.sendEncoded(frame);
    },
    holds: (fn) => desired.ids.has(fn.id) && applied >= fn.since && !errors.has(fn.id),
    failure: (functionId) => errors.get(functionId),
    async call(request, signal) {
      // A signal that has fired before tells nobody who starts to listen now.
      signal.throwIfAborted();
      if (!connection.open) throw new CallLost(false, 'the tunnel is closed');
      if (calls.size >= maxCalls || connection.backlog > maxBacklogBytes) {
        throw new SkerryError('agent_busy', `agent ${identity.name} has too many calls waiting`);
      }
      const abort = () => {
        connection.send({ kind: 'cancel', id: request.id });
        calls.abandon(request.id, signal.reason as SkerryError);
      };
      const outcome = calls.wait(request.id);
      connection.send({ kind: 'invoke', ...request });
      signal.addEventListener('abort', abort);
      try {
        return await outcome;
      } finally {
        signal.removeEventListener('abort', abort);
      }
    },
    scrape,
    close: connection.close,
    drain(retryAfterMs) {
      connection.send({ kind: 'drain', retryAfterMs });
      connection.close('going_away');
    },
  };

  connection.send({
    kind: 'welcome',
    version: options.protocolVersion,
    agentId: identity.agentId,
    epoch: identity.epoch,
    pingIntervalMs: options.pingIntervalMs,
    statusIntervalMs: options.statusIntervalMs,
  });
  for (const frame of first.frames) connection.sendEncoded(frame);
  return session;
}
