/**
 * One agent while its tunnel is up: its calls, its code push, its load, and its progress with its desired state. The
 * session joins the socket (tunnel/connect/connection.ts) with the table of pending calls (tunnel/calls/calls.ts). The
 * hub decides which session is current.
 */

import { SkerryError } from '@skerry/shared/errors.ts';
import type { Labels } from '@skerry/shared/function/names.ts';
import type { TriggerState } from '@skerry/shared/function/triggers.ts';
import type { CloseName } from '@skerry/shared/tunnel/close.ts';
import type {
  ApplyError,
  FrameOf,
  LogLine,
  OutboxState,
  RecordedOutcome,
  ToAgent,
  ToControl,
} from '@skerry/shared/tunnel/protocol.ts';
import type { WebSocket } from 'ws';
import type { BundleReader } from '../functions/bundles.ts';
import type { CatalogFunction } from '../model/catalog-function.ts';
import { createBatches } from './batches.ts';
import { CallLost, type CallOutcome, createCalls } from './calls/calls.ts';
import { type CallStream, createStream } from './calls/streams.ts';
import { createConnection } from './connect/connection.ts';
import type { DesiredList } from './desired.ts';
import { createHeldFunctions } from './held.ts';
import { createPush } from './push.ts';
import { createQuestions } from './questions.ts';
import { readLoad, type ScrapedLoad } from './scrape.ts';

/** Most calls in flight to one agent. A further call is refused with `agent_busy`, and another agent may take it. */
const maxCalls = 4_096;
/** Unsent bytes to one agent at which further calls are refused with `agent_busy`. */
const maxBacklogBytes = 16 * 1024 * 1024;
/** Milliseconds that an agent may take to send its metrics. */
const scrapeTimeoutMs = 5_000;
/** Milliseconds that an agent may take to send the lines of a function. */
const logsTimeoutMs = 2_000;

type SessionIdentity = {
  readonly agentId: string;
  readonly name: string;
  readonly labels: Labels;
  readonly epoch: number;
  readonly agentVersion: string;
  /** Protocol version of the agent. The session sends it no frame of a later version. */
  readonly protocolVersion: number;
  readonly since: Date;
};

type SessionOptions = {
  readonly socket: WebSocket;
  readonly identity: SessionIdentity;
  /** The list that is sent first. */
  readonly first: DesiredList;
  /** The load of the agent's hello. */
  readonly load: ScrapedLoad;
  readonly bundles: Pick<BundleReader, 'read'>;
  readonly events: SessionEvents;
  readonly pingIntervalMs: number;
  readonly statusIntervalMs: number;
  readonly scrapeIntervalMs: number;
  readonly now: () => Date;
};

type SessionEvents = {
  /** Stores outcomes of events from the agent. Resolves when they are on disk. */
  record(outcomes: readonly RecordedOutcome[]): Promise<void>;
  /** @returns true when the order of these outcomes matters */
  inOrder(outcomes: readonly RecordedOutcome[]): boolean;
  /** The agent reported progress with its desired state. */
  onProgress(session: Session): void;
  onClose(session: Session, reason: string): void;
};

export type Call = Omit<FrameOf<ToAgent, 'invoke'>, 'kind'>;

export type Session = SessionIdentity & {
  readonly load: Readonly<ScrapedLoad>;
  /** The list that was last assigned to the agent. */
  readonly desired: DesiredList;
  /** Generation that the agent last reported as applied. 0 before its first report. */
  readonly applied: number;
  readonly draining: boolean;
  /** State of the agent's outbox, as last reported. */
  readonly outbox: OutboxState | undefined;
  /** State of the triggers that the agent listens to, as last reported. */
  readonly triggers: readonly TriggerState[];
  /** Assigns the desired state, and sends it when it differs from the last one. */
  assign(list: DesiredList): void;
  /** @returns true when the function's current revision is ready on the agent */
  holds(fn: Pick<CatalogFunction, 'id' | 'since'>): boolean;
  /** @returns the error with which the agent could not apply this function, if there is one */
  failure(functionId: string): ApplyError | undefined;
  /** @returns the milliseconds for which the agent still holds this function back, if it does */
  heldForMs(functionId: string): number | undefined;
  /**
   * Sends an invocation and waits for its outcome. With a stream, bodies may come in parts. Rejects with CallLost when
   * the tunnel ends, with `agent_busy` when too many calls wait, and with the signal's reason when the signal aborts:
   * the agent then gets a cancel.
   */
  call(request: Call, signal: AbortSignal, stream?: CallStream): Promise<CallOutcome>;
  /** The agent's Prometheus text, fetched now. Rejects with `agent_unreachable`. */
  scrape(): Promise<string>;
  /** The last lines of a function, oldest first. Rejects with `agent_unreachable`. */
  logs(functionId: string, limit: number): Promise<readonly LogLine[]>;
  close(name: CloseName, message?: string): void;
  /** Asks the agent to reconnect later, then closes. */
  drain(retryAfterMs: number): void;
};

/** Begins a session on an admitted socket: sends the welcome, then the first list. */
export function createSession(options: SessionOptions): Session {
  const { socket, identity, first, bundles, events } = options;
  const calls = createCalls();
  const scrapes = createQuestions<string>(scrapeTimeoutMs);
  const logs = createQuestions<readonly LogLine[]>(logsTimeoutMs);
  const held = createHeldFunctions(() => options.now().getTime());
  const load: ScrapedLoad = { ...options.load };
  let desired = first;
  let applied = 0;
  let errors = new Map<string, ApplyError>();
  let draining = false;
  let outbox: OutboxState | undefined;
  let triggers: readonly TriggerState[] = [];
  const batches = createBatches({
    record: events.record,
    inOrder: events.inOrder,
    answer: (batch, ok) => connection.send({ kind: 'recorded', batch, ok }),
    now: () => options.now().getTime(),
  });

  const connection = createConnection(socket, options.pingIntervalMs, {
    onFrame: (frame) => take(frame),
    onClose(reason) {
      clearInterval(scraping);
      calls.failAll(reason);
      scrapes.failAll(reason);
      logs.failAll(reason);
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
        return push.request(frame.digest, frame.offset);
      case 'applied':
        errors = new Map(frame.errors.map((error) => [error.function, error]));
        return progressTo(frame.generation);
      case 'status':
        updateLoad(frame);
        held.update(frame.held);
        outbox = frame.outbox;
        triggers = frame.triggers ?? [];
        return progressTo(frame.generation);
      case 'head':
        return calls.stream(frame.id)?.head({ status: frame.status, headers: frame.headers });
      case 'body':
        return calls.stream(frame.id)?.part(frame);
      case 'credit':
        return calls.stream(frame.id)?.credit(frame.bytes);
      case 'metrics':
        return scrapes.answer(frame.id, frame.text);
      case 'outcomes':
        return batches.add(frame.batch, frame.outcomes);
      case 'lines':
        return logs.answer(frame.id, frame.lines);
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
    // The agent cannot have applied a generation later than the one that was sent.
    applied = Math.min(generation, desired.generation);
    events.onProgress(session);
  };
  const scrape = () => scrapes.ask((id) => connection.send({ kind: 'scrape', id }));
  const scraping = setInterval(() => {
    scrape().then(
      (text) => Object.assign(load, readLoad(text)),
      () => undefined, // missing pongs reveal an agent that does not answer
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
    get outbox() {
      return outbox;
    },
    get triggers() {
      return triggers;
    },
    assign(list) {
      if (list === desired) return;
      desired = list;
      for (const frame of list.frames) connection.sendEncoded(frame);
    },
    holds: (fn) => desired.ids.has(fn.id) && applied >= fn.since && !errors.has(fn.id),
    failure: (functionId) => errors.get(functionId),
    heldForMs: held.retryInMs,
    async call(request, signal, stream) {
      // A signal that has already fired does not notify new listeners.
      signal.throwIfAborted();
      if (!connection.open) throw new CallLost(false, 'the tunnel is closed');
      if (calls.size >= maxCalls || connection.backlog > maxBacklogBytes) {
        throw new SkerryError('agent_busy', `agent ${identity.name} has too many calls waiting`);
      }
      const abort = () => {
        connection.send({ kind: 'cancel', id: request.id });
        calls.abandon(request.id, signal.reason as SkerryError);
      };
      const outcome = calls.wait(request.id, stream && createStream(connection, request.id, stream));
      connection.send({ kind: 'invoke', ...request });
      signal.addEventListener('abort', abort);
      try {
        return await outcome;
      } finally {
        signal.removeEventListener('abort', abort);
      }
    },
    scrape,
    logs: (functionId, limit) => logs.ask((id) => connection.send({ kind: 'logs', id, function: functionId, limit })),
    close: connection.close,
    drain(retryAfterMs) {
      connection.send({ kind: 'drain', retryAfterMs });
      connection.close('going_away');
    },
  };

  connection.send({
    kind: 'welcome',
    version: identity.protocolVersion,
    agentId: identity.agentId,
    epoch: identity.epoch,
    pingIntervalMs: options.pingIntervalMs,
    statusIntervalMs: options.statusIntervalMs,
  });
  for (const frame of first.frames) connection.sendEncoded(frame);
  return session;
}
