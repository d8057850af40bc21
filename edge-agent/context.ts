/**
 * Composition root: creates every part of the agent and passes each its dependencies. No state lives outside of it.
 */
import { join } from 'node:path';
import type { Intake } from '@skerry/shared/events/intake.ts';
import type { Logger } from 'pino';
import { createCapabilityHost } from './capabilities/capabilities.ts';
import type { AgentConfig } from './config.ts';
import { createFunctions } from './desired/active-functions.ts';
import { createExecutor } from './desired/execute-step.ts';
import { createFetcher } from './desired/fetch-bundle.ts';
import { createReconciler } from './desired/reconcile.ts';
import { createFrameRouter } from './frame-router.ts';
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
import { createSelfReport } from './self-report.ts';
import { shutDown } from './shut-down.ts';
import { createStatus } from './status.ts';
import { keyFaults, tellDamage } from './storage/damage-messages.ts';
import { loadIdentity } from './storage/identity.ts';
import { createIdentityCopy } from './storage/identity-copy.ts';
import { openStore } from './storage/store.ts';
import { createTriggers } from './triggers/triggers.ts';
import { createTunnel } from './tunnel/supervisor.ts';

export type Agent = {
  readonly metrics: Metrics;
  /** Takes events in. */
  readonly intake: Intake;
  readonly outbox: Pick<Outbox, 'state'>;
  start(): void;
  /**
   * Takes no new invocation, waits for running ones for at most the drain time, and closes every part. Idempotent.
   * Resolves with the number of invocations that still ran at the end: 0 when all were done.
   */
  stop(): Promise<number>;
};

type AgentOverrides = {
  readonly runner?: Runner;
  /** The control plane refused this agent, and an operator must act. */
  readonly onRefused?: (reason: string) => void;
};

/** Share of the device's memory. When less than it is available, the runner drops unused code and threads. */
const reserveShare = 0.1;

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
  const report = createSelfReport({ config, identity, memory, runner, reconciler, circuitBreaker, outbox, triggers });
  const calls = createTunnelCalls(gate, (frame) => tunnel.send(frame), report.readLoad);
  const status = createStatus({
    frame: report.makeStatus,
    send: (frame) => tunnel.send(frame),
    triggers: triggers.states,
    log,
  });
  const tunnel = createTunnel(
    { server: config.server, handshakeTimeoutMs: config.handshakeTimeoutMs, hello: report.makeHello, log },
    {
      onUp(welcome) {
        fetcher.onUp();
        outbox.onUp(welcome);
        reconciler.onUp();
        status.start(welcome.statusIntervalMs);
      },
      onFrame: createFrameRouter({
        reconciler,
        fetcher,
        outbox,
        calls,
        gate,
        logs,
        metrics,
        send: (frame) => tunnel.send(frame),
        log,
      }),
      onDown() {
        status.stop();
        fetcher.onDown();
        outbox.onDown();
        calls.onDown();
      },
      onRefused: (reason) => overrides.onRefused?.(reason),
    },
  );

  let stopping: Promise<number> | undefined;
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
      stopping ??= shutDown({
        tunnel,
        triggers,
        outbox,
        gate,
        reconciler,
        runner,
        store,
        drainMs: config.drainMs,
      });
      return stopping;
    },
  };
}
