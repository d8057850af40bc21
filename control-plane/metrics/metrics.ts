/** The control plane's own Prometheus registry. */
import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import type { FullCatalog } from '../catalog/catalog.ts';
import type { SinkMetrics } from '../sinks/metrics.ts';
import type { TriggerMetrics } from '../triggers/triggers.ts';
import type { Hub } from '../tunnel/hub.ts';
import type { InvocationMetrics } from './invocation-metrics.ts';
import type { RequestMetrics } from './request-metrics.ts';

export type Metrics = {
  readonly contentType: string;
  /** Prometheus text format 0.0.4. */
  text(): Promise<string>;
};

type MetricsOptions = {
  readonly catalog: Pick<FullCatalog, 'version' | 'storeUp' | 'functions'>;
  readonly hub: Pick<Hub, 'online'>;
  readonly requests: RequestMetrics;
  readonly sinks: () => Promise<readonly SinkMetrics[]>;
  readonly triggers: () => readonly TriggerMetrics[];
  readonly invocations: () => InvocationMetrics;
};

export function createMetrics({ catalog, hub, requests, sinks, triggers, invocations }: MetricsOptions): Metrics {
  const registry = new Registry();
  // Under the names that dashboards know: process_resident_memory_bytes, nodejs_eventloop_lag_seconds.
  collectDefaultMetrics({ register: registry });
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
  for (const [name, help, figure] of invocationGauges) gauge(name, help, () => invocations()[figure]);
  for (const [name, help, figure] of invocationCounters) {
    new Counter({
      name,
      help,
      registers: [registry],
      collect() {
        this.reset();
        this.inc(invocations()[figure]);
      },
    });
  }
  new Counter({
    name: 'skerry_invocations_ended_total',
    help: 'Stored invocations whose outcome this control plane recorded.',
    labelNames: ['state'],
    registers: [registry],
    collect() {
      this.reset();
      for (const [state, count] of Object.entries(invocations().ended)) this.inc({ state }, count);
    },
  });
  perThing(registry, ['sink', 'type'], sinks, sinkFamilies);
  perThing(registry, ['trigger', 'type'], triggers, triggerFamilies);
  return {
    contentType: registry.contentType,
    text: async () => (await registry.metrics()) + requests.text(),
  };
}

const invocationGauges = [
  ['skerry_invocations_queued', 'Queued invocations, of all control planes.', 'queued'],
  ['skerry_invocations_running', 'Stored invocations that run in this control plane.', 'running'],
  ['skerry_invocations_oldest_seconds', 'Age of the oldest queued invocation.', 'oldestSeconds'],
] as const;
const invocationCounters = [
  ['skerry_invocation_rests_total', 'How often a queued invocation had to wait for another attempt.', 'rests'],
  [
    'skerry_outcomes_dropped_total',
    'Outcomes of synchronous calls that no sink will get, for lack of room.',
    'dropped',
  ],
] as const;

type Family<Figure> = readonly [name: string, help: string, figure: Figure];

/**
 * Metric families with a line per item. Labels are ids and no names, since metrics need no token.
 * @param things returns the current items
 */
function perThing<Figure extends string, Label extends string>(
  registry: Registry,
  labelNames: readonly Label[],
  things: () => Iterable<Thing<Figure, Label>> | Promise<Iterable<Thing<Figure, Label>>>,
  families: { readonly gauges: readonly Family<Figure>[]; readonly counters: readonly Family<Figure>[] },
): void {
  const toLabels = (thing: Thing<Figure, Label>) =>
    Object.fromEntries(labelNames.map((label): [Label, string] => [label, thing[label]])) as Record<Label, string>;
  for (const [name, help, figure] of families.gauges) {
    new Gauge({
      name,
      help,
      labelNames,
      registers: [registry],
      async collect() {
        this.reset();
        for (const thing of await things()) this.set(toLabels(thing), thing[figure]);
      },
    });
  }
  for (const [name, help, figure] of families.counters) {
    new Counter({
      name,
      help,
      labelNames,
      registers: [registry],
      async collect() {
        this.reset();
        for (const thing of await things()) this.inc(toLabels(thing), thing[figure]);
      },
    });
  }
}

type Thing<Figure extends string, Label extends string> = Readonly<Record<Figure, number> & Record<Label, string>>;

const sinkFamilies = {
  gauges: [
    ['skerry_sink_deliveries_waiting', 'Pending outcomes of the sink.', 'waiting'],
    ['skerry_sink_deliveries_dead', 'Dead letters of the sink.', 'dead'],
    ['skerry_sink_lag_seconds', 'Age of the oldest pending outcome of the sink.', 'lagSeconds'],
  ],
  counters: [
    ['skerry_sink_delivered_total', 'Outcomes that this control plane delivered to the sink.', 'delivered'],
    ['skerry_sink_failures_total', 'Failed deliveries of this control plane to the sink.', 'failures'],
  ],
} as const;

const triggerFamilies = {
  gauges: [
    ['skerry_trigger_up', '1 when this control plane listens for the trigger, 0 when it tries to.', 'up'],
    ['skerry_trigger_pending', 'Queued events of the trigger.', 'pending'],
  ],
  counters: [
    ['skerry_trigger_received_total', 'Events of the trigger that arrived at this control plane.', 'received'],
    ['skerry_trigger_dropped_total', 'Events of the trigger that were dropped here.', 'dropped'],
  ],
} as const;
