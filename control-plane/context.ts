/**
 * The composition root: every part of the control plane is made and joined here, and nowhere else. Tests replace parts
 * through `overrides`.
 */
import { randomBytes } from 'node:crypto';
import { maxSinks, type Sink } from '@skerry/shared/function/sinks.ts';
import { maxTriggers, type Trigger } from '@skerry/shared/function/triggers.ts';
import { replaceWrittenToken, seedAdmin } from './access/admin-token.ts';
import { createSubjectService } from './access/subjects.ts';
import { type AgentService, createAgentService } from './agents/agents.ts';
import { createJoinTokenService } from './agents/join-tokens.ts';
import { createErrorAnswer } from './api/http/errors.ts';
import { createInvokeEndpoints } from './api/invoke/dispatch.ts';
import { type App, createApp } from './app.ts';
import { type BindingOptions, createBindingService } from './bindings/bindings.ts';
import { createEdgeTriggers } from './bindings/edge-triggers.ts';
import { createTriggerStatus } from './bindings/trigger-status.ts';
import { createCallbacks } from './callbacks/callbacks.ts';
import { type FullCatalog, openCatalog } from './catalog/catalog.ts';
import type { Config } from './config/config.ts';
import { openStore } from './db/open.ts';
import { sinks, triggers } from './db/schema/events.ts';
import type { Store } from './db/store.ts';
import { type BundleReader, createBundles } from './functions/bundles.ts';
import { createFunctionService } from './functions/functions.ts';
import { createModuleService } from './functions/modules.ts';
import { createRevisionService } from './functions/revisions.ts';
import { createInvoker, type Invoker } from './invoke/invoker.ts';
import { createLeaseGroups } from './leases/lease-groups.ts';
import { createLog, type Logger } from './log/log.ts';
import { createInvocationMetrics } from './metrics/invocation-metrics.ts';
import { createMetrics } from './metrics/metrics.ts';
import { createRequestMetrics } from './metrics/request-metrics.ts';
import { createBestEffortOutcomes } from './outcomes/best-effort.ts';
import { createAgentOutcomes } from './outcomes/from-agents.ts';
import packageJson from './package.json' with { type: 'json' };
import { createPreparer, type Preparer } from './prepare/preparer.ts';
import { createBacklog } from './queue/backlog.ts';
import { openBoss } from './queue/jobs/boss.ts';
import { createInvocationOperations } from './queue/operations.ts';
import { createInvocations, type Invocations } from './queue/queue.ts';
import { sweepInvocations } from './queue/worker/sweep.ts';
import { createInvocationWorker } from './queue/worker/worker.ts';
import { createCredentialStore } from './secrets/credentials.ts';
import { openSealing } from './secrets/sealing-key.ts';
import { createSecretService } from './secrets/secrets.ts';
import { createHttpServer } from './server.ts';
import { createSinkCapacity } from './sinks/capacity.ts';
import { createDeliverers } from './sinks/deliverers.ts';
import { createSinkMetrics } from './sinks/metrics.ts';
import { openSink } from './sinks/open.ts';
import { createSinkService } from './sinks/sinks.ts';
import { createCloudTriggers } from './triggers/triggers.ts';
import { findFunctionAgents } from './tunnel/function-agents.ts';
import { createHub, type Hub } from './tunnel/hub.ts';

/** Parts that the caller may provide, and then must close itself. */
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
  readonly catalog: FullCatalog;
  readonly agents: AgentService;
  readonly bundles: BundleReader;
  readonly store: Store;
  readonly hub: Hub;
  readonly invoker: Invoker;
  readonly invocations: Invocations;
  /** Rejects with the system's error when the port cannot be had. */
  listen(): Promise<{ port: number }>;
  /**
   * Takes no new requests, waits for those in flight (at most `config.drainMs`), sends the agents away, and closes
   * everything. Every further call returns the same promise.
   */
  close(): Promise<void>;
};

/** Milliseconds that closing waits for outcomes of synchronous calls. */
const recordWithinMs = 2_000;

/**
 * Opens the database, with the parts that read it when they open. After a failure it closes the parts that are open.
 * @param given a store of the caller, which stays open
 */
async function openData(config: Config, log: Logger, given: Store | undefined) {
  const seed = { dataDirectory: config.dataDirectory, configured: config.adminToken };
  const store = given ?? (await openStore(config.database, log, (orm) => seedAdmin(orm, seed)));
  const closeStore = async (error: unknown): Promise<never> => {
    if (!given) await store.close();
    throw error;
  };
  const sealing = await openSealing(config, store).catch(closeStore);
  const boss = await openBoss(store, log, config.database.driver === 'pglite').catch(closeStore);
  const catalog = await openCatalog({ store, log, pollMs: config.catalogPollMs }).catch(async (error) => {
    await boss.close();
    return closeStore(error);
  });
  return { store, sealing, boss, catalog };
}

function createBindingServices(shared: Pick<BindingOptions, 'store' | 'catalog' | 'credentials'>) {
  return {
    triggers: createBindingService<Trigger>({ ...shared, table: triggers, noun: 'trigger', max: maxTriggers }),
    sinks: createBindingService<Sink>({ ...shared, table: sinks, noun: 'sink', max: maxSinks }),
  };
}

/** @throws SkerryError store_unavailable, internal (secrets/sealing-key.ts), DirectoryInUse, or a migration's error */
export async function createControlPlane(config: Config, overrides: Overrides = {}): Promise<ControlPlane> {
  const { now = () => new Date(), random = Math.random } = overrides;
  const log = overrides.log ?? createLog(config.logLevel);
  const { store, sealing, boss, catalog } = await openData(config, log, overrides.store);
  const bundles = createBundles(store);
  const agents = createAgentService({ store, log, now });
  const { prepareTimeoutMs: timeoutMs, prepareMemoryMb: memoryMb, wasi03 } = config;
  const preparer = overrides.preparer ?? createPreparer({ timeoutMs, memoryMb, wasi03 });
  const credentials = createCredentialStore({ sealing, catalog });
  const backlog = createBacklog(store, config.maxQueued);
  const monotonic = () => performance.now();
  const sinkCapacity = createSinkCapacity({ store, log, max: config.maxDeliveries, now: monotonic });
  const invocations = createInvocations({ store, boss, backlog, sinkCapacity });
  const leases = createLeaseGroups({ store, log, termMs: config.leaseMs });
  const deliverers = createDeliverers({
    store,
    catalog,
    credentials,
    wantLeases: leases.group((lease) => deliverers.held(lease)),
    open: (sink) => openSink(sink, () => performance.now()),
    log,
    random,
    now: () => now().getTime(),
  });
  invocations.onRecorded(deliverers.wake);
  const cloudTriggers = createCloudTriggers({
    store,
    catalog,
    credentials,
    invocations,
    wantLeases: leases.group((lease) => cloudTriggers.held(lease)),
    log,
    random,
  });
  const sinkStates = createSinkService({ store, catalog, deliverers, sinkCapacity });
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
      record: createAgentOutcomes({ catalog, store, invocations, sinkCapacity, log, now: monotonic }),
    });
  const invoker = overrides.invoker ?? createInvoker({ hub, random });
  const later = createBestEffortOutcomes({ invocations, log });
  const callbacks = createCallbacks({ store, boss, log, derive: sealing.derive, now, monotonic, random });
  const running = createInvocationWorker({
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
    sinkCapacity,
    sweep: () => sweepInvocations({ store, boss, retentionMs: config.retentionMs }),
  });
  const requests = createRequestMetrics();
  const answerError = createErrorAnswer(log);
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
    functionAgents: (fn) => findFunctionAgents({ hub, agents, catalog }, fn),
    hub,
    ...createBindingServices({ store, catalog, credentials }),
    triggerStatus: createTriggerStatus({ store, hub, cloudState: cloudTriggers.state }),
    secrets: createSecretService({ store, catalog, sealing }),
    sinkStates,
    operations: createInvocationOperations({ store, boss, invocations, inProgress: running.inProgress }),
    callbackSecret: callbacks.secretFor,
    metrics: createMetrics({
      catalog,
      hub,
      requests,
      invocations: createInvocationMetrics({ backlog, running, invocations, later, now }),
      triggers: cloudTriggers.metrics,
      sinks: createSinkMetrics({ catalog, sinks: sinkStates, deliverers, now: monotonic }),
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
  const endpoints = createInvokeEndpoints({
    catalog,
    invoker,
    requests,
    answerError,
    log,
    maxBodyBytes: config.maxBodyBytes,
    asyncServices: { invocations, agents },
    recordBestEffort: later.record,
    now: monotonic,
    clock: now,
  });
  const server = createHttpServer(app, hub.handleUpgrade, endpoints);

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
