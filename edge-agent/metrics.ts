/** The agent's Prometheus registry: read through the tunnel, and on a local port when one is set. */

import type { TriggerState } from '@skerry/shared/function/triggers.ts';
import { agentMetrics } from '@skerry/shared/metrics.ts';
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { InvocationOutcome } from './invoke/invocation-gate.ts';
import type { Memory } from './memory.ts';
import type { Outbox, OutboxEvents } from './outbox/outbox.ts';
import type { Runner } from './runner/calls/call.ts';

export type Metrics = {
  /** Counters of the outbox. */
  readonly outbox: OutboxEvents;
  /** Counts one invocation that has ended. */
  ended(outcome: InvocationOutcome): void;
  /** All metrics in Prometheus text format. */
  text(): Promise<string>;
};

export type MetricsSources = {
  readonly memory: Memory;
  readonly runner: Pick<Runner, 'stats'>;
  readonly tunnelUp: () => boolean;
  readonly functions: () => number;
  readonly generation: () => number;
  readonly outbox: () => Pick<Outbox, 'state' | 'oldest'>;
  readonly triggers: () => readonly TriggerState[];
};

export function createMetrics(sources: MetricsSources): Metrics {
  const { memory, runner } = sources;
  const registry = new Registry();
  const gauge = (name: string, help: string, read: () => number) =>
    new Gauge({
      name,
      help,
      registers: [registry],
      collect() {
        this.set(read());
      },
    });

  // Under the names that dashboards know: process_resident_memory_bytes, nodejs_eventloop_lag_seconds.
  collectDefaultMetrics({ register: registry });
  gauge(agentMetrics.memoryAvailable, 'Memory available to new work, in bytes', () => memory.available());
  gauge(agentMetrics.memoryTotal, 'Memory of the device, in bytes', () => memory.total);
  gauge(agentMetrics.running, 'Invocations in a thread, waiting ones included', () => {
    const { running, parked } = runner.stats();
    return running + parked;
  });
  gauge('skerry_agent_invocations_queued', 'Invocations that wait for a thread', () => runner.stats().queued);
  gauge('skerry_agent_runner_threads', 'Threads of the runner', () => runner.stats().threads);
  gauge(
    'skerry_agent_invocations_parked',
    'Invocations that wait in a thread and hold only memory',
    () => runner.stats().parked,
  );
  gauge('skerry_agent_runner_memory_limited', '1 when the operating system limits the memory of functions', () =>
    Number(runner.stats().memoryIsLimited),
  );
  gauge('skerry_agent_runner_memory_bytes', 'Memory of the runner', () => runner.stats().memoryBytes);
  gauge('skerry_agent_runner_threads_ended', 'Threads ended early since start', () => runner.stats().threadsEnded);
  gauge('skerry_agent_runner_restarts', 'Runner processes replaced since start', () => runner.stats().restarts);
  gauge('skerry_agent_tunnel_up', '1 while the tunnel to the control plane is up', () => Number(sources.tunnelUp()));
  gauge('skerry_agent_functions', 'Functions that serve', sources.functions);
  gauge('skerry_agent_generation', 'Generation of the desired state that was last applied', sources.generation);
  const invocations = new Counter({
    name: 'skerry_agent_invocations_total',
    help: 'Invocations that have ended, by outcome: ok, or an error code',
    labelNames: ['outcome'],
    registers: [registry],
  });
  const duration = new Histogram({
    name: 'skerry_agent_invocation_duration_seconds',
    help: 'Time in a thread',
    labelNames: ['start'],
    buckets: [0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 30],
    registers: [registry],
  });
  triggerMetrics(registry, sources.triggers);

  return {
    outbox: outboxMetrics(registry, sources.outbox),
    ended({ result, durationUs, cold }) {
      invocations.inc({ outcome: result.ok ? 'ok' : result.code });
      if (durationUs > 0) duration.observe({ start: cold ? 'cold' : 'warm' }, durationUs / 1e6);
    },
    text: () => registry.metrics(),
  };
}

function triggerMetrics(registry: Registry, triggers: MetricsSources['triggers']): void {
  const registers = [registry];
  const labelNames = ['trigger'];
  new Gauge({
    name: 'skerry_agent_trigger_up',
    help: '1 while the trigger is listened to, also while its messages are held back',
    labelNames,
    registers,
    collect() {
      this.reset();
      for (const { id, state } of triggers()) this.set({ trigger: id }, Number(state === 'up' || state === 'holding'));
    },
  });
  for (const [what, help] of [
    ['received', 'Messages and ticks that arrived'],
    ['dropped', 'Messages, ticks and events that were dropped'],
  ] as const) {
    new Counter({
      name: `skerry_agent_trigger_${what}_total`,
      help,
      labelNames,
      registers,
      collect() {
        this.reset();
        for (const state of triggers()) this.inc({ trigger: state.id }, state[what]);
      },
    });
  }
}

function outboxMetrics(registry: Registry, outbox: MetricsSources['outbox']): OutboxEvents {
  const registers = [registry];
  const gauge = (name: string, help: string, read: (from: ReturnType<MetricsSources['outbox']>) => number) =>
    new Gauge({
      name: `skerry_agent_outbox_${name}`,
      help,
      registers,
      collect() {
        this.set(read(outbox()));
      },
    });
  gauge('events', 'Events without an outcome', (from) => from.state()?.events ?? 0);
  gauge('outcomes', 'Outcomes that the control plane has not acknowledged', (from) => from.state()?.outcomes ?? 0);
  gauge('bytes', 'Bytes of both', (from) => from.state()?.bytes ?? 0);
  gauge('damaged', 'Events and outcomes found damaged since start', (from) => from.state()?.damaged ?? 0);
  gauge('oldest_age_seconds', 'Age of the oldest event or outcome', (from) => {
    const oldest = from.oldest();
    return oldest === undefined ? 0 : Math.max(0, (Date.now() - oldest) / 1_000);
  });
  const counter = (name: string, help: string, labelNames: string[] = []) =>
    new Counter({ name: `skerry_agent_outbox_${name}`, help, labelNames, registers });
  const recorded = counter('recorded_total', 'Events that were recorded');
  const dropped = counter('dropped_total', 'Events that were dropped');
  const runs = counter('runs_total', 'Events with an outcome, by result: ok, or an error code', ['result']);
  const commits = new Histogram({
    name: 'skerry_agent_outbox_commit_seconds',
    help: 'Time of a commit on the disk',
    buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1],
    registers,
  });
  const whole = new Histogram({
    name: 'skerry_agent_outbox_event_seconds',
    help: 'Time from the arrival of an event until its outcome is on the disk',
    buckets: [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1, 10, 60],
    registers,
  });
  return {
    onRecorded: () => recorded.inc(),
    onDropped: (events) => dropped.inc(events),
    onRun(result, seconds) {
      runs.inc({ result });
      whole.observe(seconds);
    },
    onCommit: (seconds) => commits.observe(seconds),
  };
}
