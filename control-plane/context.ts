/**
 * The composition root: every part of the control plane is made and joined here, and nowhere else. Tests replace
 * parts through `overrides`.
 */
import { randomBytes } from 'node:crypto';
import { replaceWrittenToken, seedAdmin } from './admin-token.ts';
import { type AgentService, createAgentService } from './agents.ts';
import { type App, createApp } from './app.ts';
import { type Bundles, createBundles } from './bundles.ts';
import { type Directory, openDirectory } from './catalog.ts';
import type { Config } from './config.ts';
import { openStore } from './db/open.ts';
import type { Store } from './db/store.ts';
import { createFunctionService } from './functions.ts';
import { findHolders } from './holders.ts';
import { createInvoker, type Invoker } from './invoke.ts';
import { createJoinTokenService } from './join-tokens.ts';
import { createLog, type Logger } from './log.ts';
import { createMetrics } from './metrics.ts';
import { createModuleService } from './modules.ts';
import packageJson from './package.json' with { type: 'json' };
import { createPreparer, type Preparer } from './prepare/preparer.ts';
import { createRequestMetrics } from './request-metrics.ts';
import { createRevisionService } from './revisions.ts';
import { createDoors } from './routes/doors.ts';
import { createErrorAnswer } from './routes/errors.ts';
import { createHttpServer } from './server.ts';
import { createSubjectService } from './subjects.ts';
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
  /** Rejects with the system's error when the port cannot be had. */
  listen(): Promise<{ port: number }>;
  /**
   * Takes no new requests, waits for those in flight (`config.drainMs` at most), sends the agents away, and lets go
   * of everything. Every further call returns the same promise.
   */
  close(): Promise<void>;
};

/** @throws SkerryError store_unavailable, DirectoryInUse, or a migration's error */
export async function createControlPlane(config: Config, overrides: Overrides = {}): Promise<ControlPlane> {
  const now = overrides.now ?? (() => new Date());
  const log = overrides.log ?? createLog(config.logLevel);
  const seed = { dataDirectory: config.dataDirectory, configured: config.adminToken };
  const store = overrides.store ?? (await openStore(config.database, log, (orm) => seedAdmin(orm, seed)));
  const catalog = await openDirectory({ store, log, pollMs: config.catalogPollMs }).catch(async (error) => {
    if (!overrides.store) await store.close();
    throw error;
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
  const hub = overrides.hub ?? createHub({ ...config, catalog, bundles, agents, log, now });
  const invoker = overrides.invoker ?? createInvoker({ hub, ...(overrides.random && { random: overrides.random }) });
  const requests = createRequestMetrics();
  const answerError = createErrorAnswer(log);
  const monotonic = () => performance.now();
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
    metrics: createMetrics({ catalog, hub, requests }),
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
  const doors = createDoors({ catalog, invoker, requests, answerError, log, maxBodyBytes, now: monotonic });
  const server = createHttpServer(app, hub.handleUpgrade, doors);

  const close = async () => {
    await server.stop(config.drainMs);
    if (!overrides.hub) await hub.close();
    if (!overrides.preparer) await preparer.close();
    await server.close();
    catalog.close();
    await agents.close();
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
    listen: () => server.listen(config.port, config.host),
    close() {
      closing ??= close();
      return closing;
    },
  };
}
