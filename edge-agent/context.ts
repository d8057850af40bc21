/** Composition root: every part of the agent is made here and given what it needs. No state lives outside of it. */
import { join } from 'node:path';
import type { FrameOf, ToAgent } from '@skerry/shared/protocol.ts';
import { protocolVersion, signedBytes } from '@skerry/shared/protocol.ts';
import type { Logger } from 'pino';
import type { AgentConfig } from './config.ts';
import { createDesiredParts } from './desired-parts.ts';
import { createFetcher } from './fetch.ts';
import { createFunctions } from './functions.ts';
import { loadIdentity } from './identity.ts';
import { createDoor } from './invoke.ts';
import { createMemory } from './memory.ts';
import { createMetrics, type Metrics } from './metrics.ts';
import { createReconciler } from './reconcile.ts';
import { createRunner, type Runner } from './runner/runner.ts';
import { createExecutor } from './steps.ts';
import { openStore } from './store.ts';
import type { ControlFrame, Hello, Welcome } from './tunnel/dial.ts';
import { createTunnel } from './tunnel/supervisor.ts';
import { agentVersion } from './version.ts';

export type Agent = {
  readonly metrics: Metrics;
  start(): void;
  /**
   * Takes no new invocation, waits for those inside at most the drain time, closes everything. Idempotent.
   * Resolves with what still ran when the time was up: 0 when all was done.
   */
  stop(): Promise<number>;
};

export type AgentOverrides = {
  readonly runner?: Runner;
  /** The control plane said to stop, and a human has to act. */
  readonly onRefused?: (reason: string) => void;
};

/** @throws SkerryError('store_unavailable') when the data folder cannot be used */
export function createAgent(config: AgentConfig, log: Logger, overrides: AgentOverrides = {}): Agent {
  const store = openStore(join(config.data, 'agent.db'));
  const identity = loadIdentity(store);
  const memory = createMemory();
  const runner =
    overrides.runner ??
    createRunner({ readBundle: store.readBundle, threads: config.threads, queue: config.queue, log });
  const functions = createFunctions(store);
  const fetcher = createFetcher(store, (frame) => tunnel.send(frame));
  const reconciler = createReconciler({
    store,
    functions,
    execute: createExecutor(store, functions, fetcher, runner),
    report: (generation, errors) => tunnel.send({ kind: 'applied', generation, errors }),
    log,
  });
  const load = () => ({ memoryAvailable: memory.available(), running: runner.stats().running });
  const metrics = createMetrics({
    memory,
    runner,
    tunnelUp: () => tunnel.state === 'up',
    functions: () => functions.active.size,
    generation: () => reconciler.applied,
  });
  const door = createDoor({ functions, runner, onOutcome: metrics.ended });
  const parts = createDesiredParts();
  let status: NodeJS.Timeout | undefined;
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

  const invoke = async ({ id, function: functionId, input, timeoutMs }: FrameOf<ToAgent, 'invoke'>) => {
    const onStart = () => tunnel.send({ kind: 'accepted', id });
    const outcome = await door.invoke({ id, function: functionId, input, timeoutMs }, onStart);
    tunnel.send({ kind: 'outcome', id, ...outcome, ...load() });
  };

  const onFrame = (frame: ControlFrame) => {
    switch (frame.kind) {
      case 'desired': {
        const target = parts.add(frame);
        if (!target) return;
        reconciler.setTarget(target);
        return fetcher.wantOnly(new Set(target.functions.map((fn) => fn.bundle)));
      }
      case 'chunk':
        return fetcher.onChunk(frame);
      case 'unavailable':
        return fetcher.onUnavailable(frame);
      case 'invoke':
        return void invoke(frame);
      case 'cancel':
        return door.cancel(frame.id);
      case 'scrape':
        return void metrics.text().then((text) => tunnel.send({ kind: 'metrics', id: frame.id, text }));
      case 'drain':
        return;
    }
  };

  const sendStatus = () =>
    tunnel.send({ kind: 'status', generation: reconciler.applied, queued: runner.stats().queued, ...load() });

  const tunnel = createTunnel(
    { server: config.server, handshakeTimeoutMs: config.handshakeTimeoutMs, hello, log },
    {
      onUp(welcome: Welcome) {
        fetcher.onUp();
        status = setInterval(sendStatus, welcome.statusIntervalMs);
      },
      onFrame,
      onDown() {
        clearInterval(status);
        fetcher.onDown();
      },
      onRefused: (reason) => overrides.onRefused?.(reason),
    },
  );

  const stop = async () => {
    tunnel.send({ kind: 'drain' });
    let timer: NodeJS.Timeout | undefined;
    const timeUp = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, config.drainMs);
    });
    await Promise.race([door.drain(), timeUp]);
    clearTimeout(timer);
    const left = door.inside;
    // Outcomes of the last invocations leave with the next turn of the event loop.
    await new Promise((resolve) => setImmediate(resolve));
    tunnel.stop();
    reconciler.stop();
    await runner.close();
    store.close();
    return left;
  };

  return {
    metrics,
    start: () => tunnel.start(),
    stop: () => {
      stopping ??= stop();
      return stopping;
    },
  };
}
