/** A hub on a free port, with a catalog that the test writes and an admission that the test decides. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Admission, Hello } from '@skerry/control-plane/agents/admission.ts';
import { createInvoker } from '@skerry/control-plane/invoke/invoker.ts';
import type { CatalogFunction } from '@skerry/control-plane/model/catalog-function.ts';
import { createHub, type HubOptions } from '@skerry/control-plane/tunnel/hub.ts';
import { computeDigest, type World } from '@skerry/shared/function/bundle.ts';
import { type ManifestInput, manifestSchema } from '@skerry/shared/function/manifest.ts';
import { pino } from 'pino';

export type TestHubOptions = Partial<
  Pick<
    HubOptions,
    'pingIntervalMs' | 'handshakeTimeoutMs' | 'scrapeIntervalMs' | 'tunnelHosts' | 'edgeTriggers' | 'record'
  >
> & {
  /** Decides on an agent with a valid signature; by default every agent is admitted. */
  admit?: (hello: Hello) => Admission | Promise<Admission>;
};

export async function startHub(options: TestHubOptions = {}) {
  const functions = new Map<string, CatalogFunction>();
  const listeners = new Set<(version: number) => void>();
  const bundles = new Map<string, Uint8Array>();
  const epochs = new Map<string, number>();
  let version = 1;

  const catalog = {
    get version() {
      return version;
    },
    find: (module: string, name: string) =>
      [...functions.values()].find((fn) => fn.module === module && fn.name === name),
    functions: () => functions.values(),
    byId: () => undefined,
    secret: () => undefined,
    subjectByToken: () => undefined,
    onChange(listener: (version: number) => void) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    refresh: async () => undefined,
  };
  const changed = () => {
    version += 1;
    for (const listener of listeners) listener(version);
  };

  const admitAll = (hello: Hello): Admission => {
    const agentId = computeDigest(hello.publicKey).slice(0, 16);
    const epoch = (epochs.get(agentId) ?? 0) + 1;
    epochs.set(agentId, epoch);
    return { ok: true, agentId, name: hello.name, labels: hello.labels, epoch };
  };
  const seen: { agentId: string; applied: number }[] = [];
  const agents = {
    admit: async (hello: Hello) => (options.admit ?? admitAll)(hello),
    seen: (agentId: string, applied: number) => void seen.push({ agentId, applied }),
  };

  const hub = createHub({
    catalog,
    bundles: { read: async (digest) => bundles.get(digest) },
    agents,
    log: pino({ level: process.env.TEST_LOG ?? 'silent' }),
    tunnelHosts: options.tunnelHosts ?? [],
    handshakeTimeoutMs: options.handshakeTimeoutMs ?? 2_000,
    pingIntervalMs: options.pingIntervalMs ?? 5_000,
    statusIntervalMs: 5_000,
    scrapeIntervalMs: options.scrapeIntervalMs ?? 60_000,
    edgeTriggers: options.edgeTriggers ?? (() => []),
    record: options.record ?? (async () => {}),
  });
  const server = createServer((_, response) => response.writeHead(404).end());
  server.on('upgrade', hub.handleUpgrade);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);

  return {
    hub,
    server,
    invoker: createInvoker({ hub }),
    url,
    seen,
    catalog,
    /** Puts a function into the catalog and its bundle into the bundles, and notifies the agents. */
    deploy(
      name: string,
      bundle: Uint8Array,
      manifest: ManifestInput = {},
      world: World = 'skerry:function/handler',
    ): CatalogFunction {
      const digest = computeDigest(bundle);
      bundles.set(digest, bundle);
      const full = manifestSchema.parse(manifest);
      const fn: CatalogFunction = {
        id: `id-${name}`,
        module: '_',
        name,
        revision: (functions.get(name)?.revision ?? 0) + 1,
        bundle: digest,
        world,
        manifest: full,
        capacityBytes: full.capacity_bytes ?? 1024 * 1024,
        since: version + 1,
        triggers: [],
        sinks: [],
      };
      functions.set(name, fn);
      changed();
      return fn;
    },
    remove(name: string) {
      functions.delete(name);
      changed();
    },
    async close() {
      await hub.close();
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

export type TestHub = Awaited<ReturnType<typeof startHub>>;
