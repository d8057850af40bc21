import { expect, test } from 'vitest';
import { createMetrics, type MetricsSources } from './metrics.ts';

const sources: MetricsSources = {
  memory: { available: () => 1, total: 2 },
  runner: {
    stats: () => ({
      running: 0,
      parked: 0,
      queued: 0,
      threads: 0,
      memoryIsLimited: false,
      memoryBytes: 0,
      threadsEnded: 0,
      restarts: 0,
    }),
  },
  tunnelUp: () => true,
  functions: () => 0,
  generation: () => 0,
  outbox: () => ({ state: () => undefined, oldest: () => undefined }),
  triggers: () => [],
};

test('metrics of the process have the names that dashboards know, and those of the agent its prefix', async () => {
  const text = await createMetrics(sources).text();
  expect(text).toMatch(/^process_resident_memory_bytes \d/m);
  expect(text).toMatch(/^nodejs_eventloop_lag_seconds \d/m);
  const names = [...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name = '']) => name);
  expect(
    names.filter((name) => !/^(?:process|nodejs)_/.test(name)).every((name) => name.startsWith('skerry_agent_')),
  ).toBe(true);
});
