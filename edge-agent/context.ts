/**
 * Composition root: every part of the agent is created here and given its dependencies. No state lives outside of it.
 */
import { join } from 'node:path';
import type { Intake } from '@skerry/shared/events/intake.ts';
import { protocolVersion, signedBytes } from '@skerry/shared/tunnel/protocol.ts';
import type { Logger } from 'pino';
import { createCapabilityHost } from './capabilities/capabilities.ts';
import type { AgentConfig } from './config.ts';
import { createFunctions } from './desired/active-functions.ts';
import { createDesiredParts } from './desired/assemble.ts';
import { createExecutor } from './desired/execute-step.ts';
import { createFetcher } from './desired/fetch-bundle.ts';
import { createReconciler } from './desired/reconcile.ts';
import { createCircuitBreaker } from './invoke/circuit-breaker.ts';
import { createInvocationGate } from './invoke/invocation-gate.ts';
import { createTunnelCalls } from './invoke/tunnel-calls.ts';
import { createLogs } from './logs/logs.ts';
import { createLogGate } from './logs/rate-limit.ts';
import { createMemory } from './memory.ts';
import { createMetrics, type Metrics } from './metrics.ts';
import { createOutbox, type Outbox } from './outbox/outbox.ts';
import type { Runner } from './runner/calls/call.ts';
import { createRunner } from './runner/runner.ts';
import { createStatus } from './status.ts';
import { keyFaults, tellDamage } from './storage/damage-messages.ts';
import { loadIdentity } from './storage/identity.ts';
import { createIdentityCopy } from './storage/identity-copy.ts';
import { openStore } from './storage/store.ts';
import { createTriggers } from './triggers/triggers.ts';
import type { ControlFrame, Hello, Welcome } from './tunnel/dial.ts';
import { createTunnel } from './tunnel/supervisor.ts';
import { agentVersion } from './version.ts';

export type Agent = {
  readonly metrics: Metrics;
  /** Where events enter. */
  readonly intake: Intake;
  readonly outbox: Pick<Outbox, 'state'>;
  start(): void;
  /**
   * Takes no new invocation, waits for running ones for at most the drain time, closes everything. Idempotent. Resolves
   * with the number of invocations that still ran at the end: 0 when all were done.
   */
  stop(): Promise<number>;
};

export type AgentOverrides = {
  readonly runner?: Runner;
  /** The control plane refused this agent, and an operator has to act. */
  readonly onRefused?: (reason: string) => void;
};

/** Share of the device's memory below which unused code and threads are dropped. */
const reserveShare = 0.1;
/** Most functions in one status frame. */
const maxHeldTold = 1_000;
/** Most triggers in one status frame. */
const maxTriggersTold = 1_000;

/** @throws SkerryError('store_unavailable') when the data folder cannot be used */
export function createAgent(config: AgentConfig, log: Logger, overrides: AgentOverrides = {}): Agent {
  let onReplaced = () => {};
  const store = openStore(join(config.data, 'agent.db'), (damage) => {
    tellDamage(damage, log);
    onReplaced();
  });
  const identityCopy = createIdentityCopy(join(config.data, 'identity'));
  const identity = loadIdentity(store, identityCopy, (fault) => log.error({ fault }, keyFaults[fault]));
  const memory = createMemory();
  const capabilities = createCapabilityHost({
    offered: config.directories,
    keyvalue: store.keyvalue,
    isActive: (functionId) => functions.active.has(functionId),
  });
  const { threads, queue, idleMs, functionMemoryMb } = config;
  const circuitBreaker = createCircuitBreaker(() => performance.now());
  const runner =
    overrides.runner ??
    createRunner({
      readBundle(digest) {
        const bytes = store.readBundle(digest);
        if (!bytes) reconciler.lost(digest);
        return bytes;
      },
      capabilities,
      threads,
      queue,
      idleMs,
      memoryBytes: functionMemoryMb === undefined ? memory.total / 2 : functionMemoryMb * 1024 * 1024,
      deviceIsShort: () => memory.available() < memory.total * reserveShare,
      onLost: circuitBreaker.lost,
      log,
    });
  const logs = createLogs();
  const logGate = createLogGate(() => performance.now());
  const functions = createFunctions(store, (functionId, change) => {
    triggers.follow();
    circuitBreaker.forget(functionId);
    if (change === 'activated') return outbox.wake();
    logs.forget(functionId);
    logGate.forget(functionId);
    capabilities.forget(functionId);
  });
  const fetcher = createFetcher(store, (frame) => tunnel.send(frame));
  const reconciler = createReconciler({
    store,
    functions,
    execute: createExecutor(store, functions, fetcher, runner),
    report: (generation, errors) => tunnel.send({ kind: 'applied', generation, errors }),
    log,
  });
  onReplaced = () => reconciler.lost();
  const load = () => {
    const { running, parked } = runner.stats();
    return { memoryAvailable: memory.available(), running: running + parked };
  };
  const metrics = createMetrics({
    memory,
    runner,
    tunnelUp: () => tunnel.state === 'up',
    functions: () => functions.active.size,
    generation: () => reconciler.applied,
    outbox: () => outbox,
    triggers: () => triggers.states(),
  });
  const gate = createInvocationGate({
    functions,
    runner,
    circuitBreaker,
    onOutcome: metrics.ended,
    onLog(fn, invocation, entry) {
      const time = Date.now();
      for (const line of logGate.pass(fn, entry)) logs.add(fn.id, { time, invocation, revision: fn.revision, ...line });
    },
  });
  const outbox = createOutbox({
    data: config.data,
    limitBytes: config.outboxMb * 1024 * 1024,
    threads,
    functions: functions.active,
    gate,
    runner,
    circuitBreaker,
    send: (frame) => tunnel.send(frame),
    backlog: () => tunnel.backlog,
    events: metrics.outbox,
    log,
  });
  const { intake, countsFor } = outbox;
  const triggers = createTriggers({ functions: functions.active, intake, countsFor, publicKey: identity.publicKey });
  const parts = createDesiredParts();
  let stopping: Promise<number> | undefined;

  const hello = (nonce: Uint8Array, host: string): Hello => ({
    kind: 'hello',
    version: protocolVersion,
    publicKey: identity.publicKey,
    signature: identity.sign(signedBytes(nonce, host)),
    host,
    name: config.name,
    labels: config.labels,
    agentVersion,
    ...(config.joinToken && { joinToken: config.joinToken }),
    memoryTotal: memory.total,
    ...load(),
  });

  const serving = createTunnelCalls(gate, (frame) => tunnel.send(frame), load);

  const onFrame = (frame: ControlFrame) => {
    switch (frame.kind) {
      case 'desired': {
        const target = parts.add(frame);
        if (!target) return;
        reconciler.setTarget(target);
        outbox.keepOnly(target.functions);
        return fetcher.keepOnly(new Set(target.functions.map((fn) => fn.bundle)));
      }
      case 'chunk':
        return fetcher.onChunk(frame);
      case 'unavailable':
        return fetcher.onUnavailable(frame);
      case 'invoke':
        return serving.invoke(frame);
      case 'body':
        return serving.body(frame);
      case 'credit':
        return serving.credit(frame);
      case 'cancel':
        return gate.cancel(frame.id);
      case 'logs':
        return tunnel.send({ kind: 'lines', id: frame.id, lines: logs.last(frame.function, frame.limit) });
      case 'scrape':
        return void metrics
          .text()
          .then((text) => tunnel.send({ kind: 'metrics', id: frame.id, text }))
          .catch((error: unknown) => log.error({ err: error }, 'the metrics cannot be sent'));
      case 'recorded':
        return outbox.onRecorded(frame);
      case 'drain':
        return;
    }
  };

  const status = createStatus({
    frame() {
      const outboxState = outbox.state();
      return {
        kind: 'status',
        generation: reconciler.applied,
        queued: runner.stats().queued,
        held: circuitBreaker.held().slice(0, maxHeldTold),
        ...(outboxState && { outbox: outboxState }),
        triggers: triggers.states().slice(0, maxTriggersTold),
        ...load(),
      };
    },
    send: (frame) => tunnel.send(frame),
    triggers: triggers.states,
    log,
  });

  const tunnel = createTunnel(
    { server: config.server, handshakeTimeoutMs: config.handshakeTimeoutMs, hello, log },
    {
      onUp(welcome: Welcome) {
        fetcher.onUp();
        outbox.onUp(welcome);
        reconciler.onUp();
        status.start(welcome.statusIntervalMs);
      },
      onFrame,
      onDown() {
        status.stop();
        fetcher.onDown();
        outbox.onDown();
        serving.onDown();
      },
      onRefused: (reason) => overrides.onRefused?.(reason),
    },
  );

  const stop = async () => {
    tunnel.send({ kind: 'drain' });
    const quiet = triggers.close();
    outbox.stop();
    let timer: NodeJS.Timeout | undefined;
    const timeUp = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, config.drainMs);
    });
    await Promise.race([gate.drain(), timeUp]);
    clearTimeout(timer);
    const left = gate.active;
    // Outcomes of the last invocations leave with the next turn of the event loop.
    await new Promise((resolve) => setImmediate(resolve));
    tunnel.stop();
    reconciler.stop();
    await quiet;
    await outbox.close();
    await runner.close();
    store.close();
    return left;
  };

  return {
    metrics,
    intake: outbox.intake,
    outbox,
    start() {
      outbox.start();
      triggers.follow();
      tunnel.start();
    },
    stop: () => {
      stopping ??= stop();
      return stopping;
    },
  };
}
