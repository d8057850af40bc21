/** The agent's Prometheus registry: read through the tunnel, and on a local port when one is set. */
import { agentMetrics } from '@skerry/shared/metrics.ts';
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { InvocationOutcome } from './invoke.ts';
import type { Memory } from './memory.ts';
import type { Runner } from './runner/call.ts';

export type Metrics = {
  /** Counts one invocation that has ended. */
  ended(outcome: InvocationOutcome): void;
  /** All of it in Prometheus text format. */
  text(): Promise<string>;
};

export type MetricsSources = {
  readonly memory: Memory;
  readonly runner: Pick<Runner, 'stats'>;
  readonly tunnelUp: () => boolean;
  readonly functions: () => number;
  readonly generation: () => number;
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

  collectDefaultMetrics({ register: registry, prefix: 'skerry_agent_' });
  gauge(agentMetrics.memoryAvailable, 'Memory available to new work, in bytes', () => memory.available());
  gauge(agentMetrics.memoryTotal, 'Memory of the device, in bytes', () => memory.total);
  gauge(agentMetrics.running, 'Invocations in a thread, those that wait there included', () => {
    const { running, parked } = runner.stats();
    return running + parked;
  });
  gauge('skerry_agent_invocations_queued', 'Invocations that wait for a thread', () => runner.stats().queued);
  gauge('skerry_agent_runner_threads', 'Threads of the runner', () => runner.stats().threads);
  gauge(
    'skerry_agent_invocations_parked',
    'Invocations that wait in a thread and hold nothing but memory',
    () => runner.stats().parked,
  );
  gauge('skerry_agent_runner_memory_limited', '1 when the operating system limits the memory of functions', () =>
    Number(runner.stats().memoryIsLimited),
  );
  gauge('skerry_agent_runner_memory_bytes', 'Memory of the runner', () => runner.stats().memoryBytes);
  gauge(
    'skerry_agent_runner_threads_ended',
    'Threads ended before their time since start',
    () => runner.stats().threadsEnded,
  );
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

  return {
    ended({ result, durationUs, cold }) {
      invocations.inc({ outcome: result.ok ? 'ok' : result.code });
      if (durationUs > 0) duration.observe({ start: cold ? 'cold' : 'warm' }, durationUs / 1e6);
    },
    text: () => registry.metrics(),
  };
}
