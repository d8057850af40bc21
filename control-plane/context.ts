/**
 * The composition root: every part of the control plane is made and joined here, and nowhere else. Tests replace
 * parts through `overrides`.
 */
import { randomBytes } from 'node:crypto';
import { maxSinks, type Sink } from '@skerry/shared/function/sinks.ts';
import { maxTriggers, type Trigger } from '@skerry/shared/function/triggers.ts';
import { replaceWrittenToken, seedAdmin } from './access/admin-token.ts';
import { createSubjectService } from './access/subjects.ts';
import { type AgentService, createAgentService } from './agents/agents.ts';
import { createJoinTokenService } from './agents/join-tokens.ts';
import { createErrorAnswer } from './api/http/errors.ts';
import { createDoors } from './api/invoke/dispatch.ts';
import { type App, createApp } from './app.ts';
import { createAttachmentService } from './bindings/bindings.ts';
import { createEdgeTriggers } from './bindings/edge-triggers.ts';
import { createTriggerPlaces } from './bindings/trigger-status.ts';
import { createCallbacks } from './callbacks/callbacks.ts';
import { type Directory, openDirectory } from './catalog/catalog.ts';
import type { Config } from './config/config.ts';
import { openStore } from './db/open.ts';
import { sinks, triggers } from './db/schema/events.ts';
import type { Store } from './db/store.ts';
import { type Bundles, createBundles } from './functions/bundles.ts';
import { createFunctionService } from './functions/functions.ts';
import { createModuleService } from './functions/modules.ts';
import { createRevisionService } from './functions/revisions.ts';
import { createInvoker, type Invoker } from './invoke/invoker.ts';
import { createLeaseGroups } from './leases/lease-groups.ts';
import { createLog, type Logger } from './log/log.ts';
import { createInvocationFigures } from './metrics/invocation-metrics.ts';
import { createMetrics } from './metrics/metrics.ts';
import { createRequestMetrics } from './metrics/request-metrics.ts';
import { createLaterRecords } from './outcomes/best-effort.ts';
import { createAgentOutcomes } from './outcomes/from-agents.ts';
import packageJson from './package.json' with { type: 'json' };
import { createPreparer, type Preparer } from './prepare/preparer.ts';
import { createBacklog } from './queue/backlog.ts';
import { openBoss } from './queue/jobs/boss.ts';
import { createInvocationDesk } from './queue/operations.ts';
import { createInvocations, type Invocations } from './queue/queue.ts';
import { sweepInvocations } from './queue/worker/sweep.ts';
import { createRunning } from './queue/worker/worker.ts';
import { createCredentialStore } from './secrets/credentials.ts';
import { openSealing } from './secrets/sealing-key.ts';
import { createSecretService } from './secrets/secrets.ts';
import { createHttpServer } from './server.ts';
import { createSinkRoom } from './sinks/capacity.ts';
import { createDeliverers } from './sinks/deliverers.ts';
import { createSinkFigures } from './sinks/metrics.ts';
import { openSink } from './sinks/open.ts';
import { createSinkService } from './sinks/sinks.ts';
import { createCloudTriggers } from './triggers/triggers.ts';
import { findHolders } from './tunnel/function-agents.ts';
import { createHub, type Hub } from './tunnel/hub.ts';

/** Parts that can be given from outside; whoever gives one closes it. */
export type Overrides = {
  readonly store?: Store;
  readonly preparer?: Preparer;
  readonly hub?: Hub;
  readonly invoker?: Invoker;
  readonly log?: Logger;
  readonly now?: () => Date;
  readonly random?: () => number;
};

export type ControlPlane = {
  readonly app: App;
  readonly catalog: Directory;
  readonly agents: AgentService;
  readonly bundles: Bundles;
  readonly store: Store;
  readonly hub: Hub;
  readonly invoker: Invoker;
  readonly invocations: Invocations;
  /** Rejects with the system's error when the port cannot be had. */
  listen(): Promise<{ port: number }>;
  /**
   * Takes no new requests, waits for those in flight (`config.drainMs` at most), sends the agents away, and lets go
   * of everything. Every further call returns the same promise.
   */
  close(): Promise<void>;
};

/** How long outcomes of synchronous calls are waited for at the end, in milliseconds. */
const recordWithinMs = 2_000;

/** @throws SkerryError store_unavailable, internal (secrets/sealing-key.ts), DirectoryInUse, or a migration's error */
export async function createControlPlane(config: Config, overrides: Overrides = {}): Promise<ControlPlane> {
  const now = overrides.now ?? (() => new Date());
  const log = overrides.log ?? createLog(config.logLevel);
  const seed = { dataDirectory: config.dataDirectory, configured: config.adminToken };
  const store = overrides.store ?? (await openStore(config.database, log, (orm) => seedAdmin(orm, seed)));
  const closeStore = async (error: unknown): Promise<never> => {
    if (!overrides.store) await store.close();
    throw error;
  };
  const sealing = await openSealing(config, store).catch(closeStore);
  const boss = await openBoss(store, log, config.database.driver === 'pglite').catch(closeStore);
  const catalog = await openDirectory({ store, log, pollMs: config.catalogPollMs }).catch(async (error) => {
    await boss.close();
    return closeStore(error);
  });
  const bundles = createBundles(store);
  const agents = createAgentService({ store, log, now });
  const preparer =
    overrides.preparer ??
    createPreparer({
      timeoutMs: config.prepareTimeoutMs,
      memoryMb: config.prepareMemoryMb,
      wasi03: config.wasi03,
    });
  const credentials = createCredentialStore({ sealing, catalog });
  const backlog = createBacklog(store, config.maxQueued);
  const monotonic = () => performance.now();
  const sinkRoom = createSinkRoom({ store, log, most: config.maxDeliveries, now: monotonic });
  const invocations = createInvocations({ store, boss, backlog, sinkRoom });
  const leases = createLeaseGroups({ store, log, termMs: config.leaseMs });
  const deliverers = createDeliverers({
    store,
    catalog,
    credentials,
    want: leases.group((lease) => deliverers.held(lease)),
    open: (sink) => openSink(sink, () => performance.now()),
    log,
    random: overrides.random ?? Math.random,
    now: () => now().getTime(),
  });
  invocations.onRecorded(deliverers.wake);
  const cloudTriggers = createCloudTriggers({
    store,
    catalog,
    credentials,
    invocations,
    want: leases.group((lease) => cloudTriggers.held(lease)),
    log,
    random: overrides.random ?? Math.random,
  });
  const sinkStates = createSinkService({ store, catalog, deliverers, sinkRoom });
  const hub =
    overrides.hub ??
    createHub({
      ...config,
      catalog,
      bundles,
      agents,
      log,
      now,
      edgeTriggers: createEdgeTriggers(credentials, log),
      record: createAgentOutcomes({ catalog, store, invocations, sinkRoom, log, now: monotonic }),
    });
  const random = overrides.random ?? Math.random;
  const invoker = overrides.invoker ?? createInvoker({ hub, random });
  const later = createLaterRecords({ invocations, log });
  const callbacks = createCallbacks({ store, boss, log, derive: sealing.derive, now, monotonic, random });
  const running = createRunning({
    store,
    boss,
    invocations,
    backlog,
    catalog,
    invoker,
    log,
    concurrency: config.asyncConcurrency,
    online: () => hub.online,
    now,
    random,
    callbacks: callbacks.handle,
    sinkRoom,
    sweep: () => sweepInvocations({ store, boss, retentionMs: config.retentionMs }),
  });
  const requests = createRequestMetrics();
  const answerError = createErrorAnswer(log);
  const attaching = { store, catalog, credentials };
  let closing: Promise<void> | undefined;

  const app = createApp({
    catalog,
    modules: createModuleService(store, catalog),
    functions: createFunctionService({ store, catalog, preparer, bundles }),
    revisions: createRevisionService(store),
    subjects: createSubjectService(store, catalog, randomBytes, (ended, successor) =>
      replaceWrittenToken(config.dataDirectory, ended, successor),
    ),
    agents,
    joinTokens: createJoinTokenService(store, now, randomBytes),
    holders: (fn) => findHolders({ hub, agents, catalog }, fn),
    hub,
    triggers: createAttachmentService<Trigger>({ ...attaching, table: triggers, noun: 'trigger', max: maxTriggers }),
    sinks: createAttachmentService<Sink>({ ...attaching, table: sinks, noun: 'sink', max: maxSinks }),
    triggerPlaces: createTriggerPlaces({ store, hub, cloudState: cloudTriggers.state }),
    secrets: createSecretService({ store, catalog, sealing }),
    sinkStates,
    desk: createInvocationDesk({ store, boss, invocations, hands: running.hands }),
    callbackSecret: callbacks.secretOf,
    metrics: createMetrics({
      catalog,
      hub,
      requests,
      invocations: createInvocationFigures({ backlog, running, invocations, later, now }),
      triggers: cloudTriggers.figures,
      sinks: createSinkFigures({ catalog, sinks: sinkStates, deliverers, now: monotonic }),
    }),
    requests,
    answerError,
    ready: () => closing === undefined,
    maxUploadBytes: config.maxUploadBytes,
    maxBodyBytes: config.maxBodyBytes,
    waitForWorkersMs: config.waitForWorkersMs,
    version: packageJson.version,
    now,
    monotonic,
  });
  const { maxBodyBytes } = config;
  const doors = createDoors({
    catalog,
    invoker,
    requests,
    answerError,
    log,
    maxBodyBytes,
    keeping: { invocations, agents },
    recordLater: later.record,
    now: monotonic,
    clock: now,
  });
  const server = createHttpServer(app, hub.handleUpgrade, doors);

  const close = async () => {
    await cloudTriggers.close();
    await Promise.all([server.stop(config.drainMs), running.stop(config.drainMs)]);
    callbacks.close();
    await later.close(recordWithinMs);
    if (!overrides.hub) await hub.close();
    if (!overrides.preparer) await preparer.close();
    await server.close();
    await deliverers.close();
    await leases.close();
    catalog.close();
    await agents.close();
    await boss.close();
    if (!overrides.store) await store.close();
  };

  return {
    app,
    catalog,
    agents,
    bundles,
    store,
    hub,
    invoker,
    invocations,
    listen: () => server.listen(config.port, config.host),
    close() {
      closing ??= close();
      return closing;
    },
  };
}
