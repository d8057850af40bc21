/** The control plane's own Prometheus registry. */
import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import type { Directory } from './catalog.ts';
import type { RequestMetrics } from './request-metrics.ts';
import type { Hub } from './tunnel/hub.ts';

export type Metrics = {
  readonly contentType: string;
  /** Prometheus text format 0.0.4. */
  text(): Promise<string>;
};

export type MetricsOptions = {
  readonly catalog: Pick<Directory, 'version' | 'storeUp' | 'functions'>;
  readonly hub: Pick<Hub, 'online'>;
  readonly requests: RequestMetrics;
};

export function createMetrics({ catalog, hub, requests }: MetricsOptions): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, prefix: 'skerry_' });
  const gauge = (name: string, help: string, value: () => number) => {
    new Gauge({
      name,
      help,
      registers: [registry],
      collect() {
        this.set(value());
      },
    });
  };
  gauge('skerry_catalog_version', 'Version of the catalog in memory.', () => catalog.version);
  gauge('skerry_functions', 'Functions in the catalog.', () => [...catalog.functions()].length);
  gauge('skerry_store_up', '1 when the database answered last time it was asked, else 0.', () =>
    Number(catalog.storeUp),
  );
  gauge('skerry_agents_online', 'Agents with a tunnel.', () => hub.online);
  return {
    contentType: registry.contentType,
    text: async () => (await registry.metrics()) + requests.text(),
  };
}
