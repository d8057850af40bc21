/** Renders the measurements as a page for people: docs/BENCH.md. */
import { cpus } from 'node:os';
import { workerdVersion } from './baselines/workerd.ts';
import type { ColdStart } from './cold.ts';
import type { Events } from './events.ts';
import type { LoadResult } from './load.ts';
import type { Resident } from './memory.ts';
import type { SinkSpeed } from './sink.ts';
import type { Start } from './start.ts';
import type { Waiting } from './waiting.ts';
import type { Warm } from './warm.ts';

const names = {
  bare: 'bare tunnel',
  fresh: 'handler, fresh instance',
  reuse: 'handler, reused instance',
  workerd: `workerd ${workerdVersion}, directly`,
  'http-fresh': 'wasi:http, fresh instance',
  'http-reuse': 'wasi:http, reused instance',
} as const;
export type TargetName = keyof typeof names;

type Result = { readonly busy: LoadResult; readonly single: LoadResult };

export type Report = {
  readonly when: Date;
  readonly node: string;
  readonly seconds: number;
  readonly rounds: number;
  readonly results: Readonly<Record<TargetName, Result>>;
  readonly cold: ColdStart;
  /** Before the first deploy, and after all load. */
  readonly idle: Resident;
  readonly after: Resident;
  readonly warm: Warm;
  readonly waiting: Waiting;
  readonly events: Events;
  readonly sink: SinkSpeed;
  readonly start: Start;
};

/** The run with the median of requests per second, with the failures of all runs. */
export function median(runs: readonly LoadResult[]): LoadResult {
  const sorted = [...runs].sort((a, b) => a.perSecond - b.perSecond);
  const middle = sorted[Math.floor(sorted.length / 2)];
  if (!middle) throw new Error('nothing was measured');
  return { ...middle, failed: runs.reduce((sum, run) => sum + run.failed, 0) };
}

type Row = readonly [what: string, value: string, target: string, met: boolean | undefined];

function toRows({ results, cold, idle, warm, after, waiting, events, sink, start }: Report): Row[] {
  const share = (name: TargetName, of: TargetName) => results[name].busy.perSecond / results[of].busy.perSecond;
  const added = (name: TargetName) => results[name].single.p50 - results.bare.single.p50;
  const atLeast = (what: string, value: number, target: number): Row => [
    what,
    percent(value),
    `≥ ${percent(target)}`,
    value >= target,
  ];
  const atMost = (what: string, value: number, target: number, unit: (value: number) => string): Row => [
    what,
    unit(value),
    `≤ ${unit(target)}`,
    value <= target,
  ];
  const coldMedian = [...cold.milliseconds].sort((a, b) => a - b)[Math.floor(cold.milliseconds.length / 2)] ?? 0;
  return [
    atLeast('handler, fresh instance, 32 in flight, share of the bare tunnel', share('fresh', 'bare'), 0.5),
    atLeast('handler, reused instance, 32 in flight, share of the bare tunnel', share('reuse', 'bare'), 0.75),
    atMost('added median latency, handler, fresh, one in flight', added('fresh'), 0.15, ms),
    atMost('added median latency, handler, reused, one in flight', added('reuse'), 0.15, ms),
    atLeast('wasi:http, reused instance, 32 in flight, share of workerd', share('http-reuse', 'workerd'), 1),
    atLeast('wasi:http, fresh instance, 32 in flight, share of workerd', share('http-fresh', 'workerd'), 0.5),
    atMost(`first call of an unseen component of ${mb(cold.bytes)}`, coldMedian, 150, ms),
    atMost('agent idle, tunnel up, RSS', idle.agent, 70e6, mb),
    atMost('agent and runner with one warm function, RSS', warm.one, 130e6, mb),
    atMost('each further warm function, RSS', warm.further, 8e6, mb),
    atMost(
      `${waiting.calls} calls that wait for 1 s at once (in ${(waiting.milliseconds / 1_000).toFixed(1)} s), RSS above before`,
      waiting.peak - waiting.before,
      250e6,
      mb,
    ),
    [
      'events on the device, recorded with fsync, run, outcome recorded',
      perSecond(events.durable),
      `≥ ${perSecond(5_000)}`,
      events.durable >= 5_000,
    ],
    [
      'the same against the same function without records',
      percent(events.durable / events.undurable),
      'none',
      undefined,
    ],
    atMost('the same at 500/s, from arrival to outcome on disk, p99 (upper bound)', events.p99, 20, ms),
    [
      `${events.count} outcomes delivered after a time offline, with calls at first`,
      perSecond(events.drained),
      'none',
      undefined,
    ],
    [
      'calls meanwhile, one in flight, p99, against before',
      `${ms(events.liveWhile.p99)}, ${(events.liveWhile.p99 / events.liveBefore.p99).toFixed(1)} times`,
      '≤ 2 times',
      events.liveWhile.p99 <= 2 * events.liveBefore.p99,
    ],
    [
      'documents to a CouchDB sink (stand-in), share of _bulk_docs by hand',
      percent(sink.delivered / sink.byHand),
      'none',
      undefined,
    ],
    atMost('skerry --version, against node -e 0', start.version / start.node, 3, times),
    atMost('skerry fn list, against node -e 0', start.list / start.node, 4, times),
    atMost('control plane, start to ready, against node -e 0', start.controlPlane / start.node, 16, times),
    atMost('control plane on Postgres after its start, RSS', start.memory, 125e6, mb),
    ['agent and runner after all load, RSS', mb(after.agent + after.runner), 'none', undefined],
    ['control plane on PGlite after its first start, idle, RSS', mb(idle.controlPlane), 'none', undefined],
  ];
}

export function render(report: Report): string {
  const { results, cold, after, events, sink, start } = report;
  const met = (value: boolean | undefined) => (value === undefined ? '' : value ? 'yes' : 'no');
  const loads = (Object.keys(names) as TargetName[]).map((name) => {
    const { busy, single } = results[name];
    const figures = [busy.p50, busy.p99, single.p50, single.p99].map(ms).join(' | ');
    return `| ${names[name]} | ${Math.round(busy.perSecond)} | ${figures} | ${busy.failed + single.failed} |`;
  });
  return `# Measurements

Written by \`npm run bench\` (${report.when.toISOString().slice(0, 10)}, Node ${report.node}, ${cpus().length} cores, load
generator on the same machine). Medians of ${report.rounds} rounds of ${report.seconds} s each, taken in turns. Ratios count: the
baselines are the bare tunnel (\`test/bench/baselines/bare-server.ts\`), Hono + ws + msgpack echo with nothing of ours, and
workerd, which answers HTTP itself with no tunnel between.

| what | measured | target | met |
| --- | --- | --- | --- |
${toRows(report)
  .map(([what, value, target, is]) => `| ${what} | ${value} | ${target} | ${met(is)} |`)
  .join('\n')}

| | requests/s, 32 in flight | p50 | p99 | one in flight, p50 | p99 | failed |
| --- | --- | --- | --- | --- | --- | --- |
${loads.join('\n')}

First calls of an unseen component (deployed without waiting, then called at once): ${cold.milliseconds
    .map((value) => ms(value))
    .join(', ')}.

Events: ${perSecond(events.undurable)} without records, ${perSecond(events.durable)} with them. Calls before outcomes were delivered: p50 ${ms(events.liveBefore.p50)}, p99
${ms(events.liveBefore.p99)}; meanwhile p50 ${ms(events.liveWhile.p50)}, p99 ${ms(events.liveWhile.p99)}. Sink, on Postgres: ${perSecond(sink.delivered)} through the deliverer,
${perSecond(sink.byHand)} with \`_bulk_docs\` by hand; outcomes recorded with their deliveries: ${perSecond(sink.recorded)}.

Starts: \`node -e 0\` ${ms(start.node)}, \`skerry --version\` ${ms(start.version)}, \`skerry fn list\` ${ms(start.list)}, control plane until it is
ready ${ms(start.controlPlane)}.

RSS after all load: agent ${mb(after.agent)}, runner ${mb(after.runner)}, control plane ${mb(after.controlPlane)}.
`;
}

const perSecond = (rate: number) => `${Math.round(rate)}/s`;
const percent = (share: number) => `${(share * 100).toFixed(0)} %`;
const times = (factor: number) => `${factor.toFixed(1)} times`;
const ms = (value: number) => `${value.toFixed(value < 10 ? 2 : 0)} ms`;
const mb = (bytes: number) => `${(bytes / 1e6).toFixed(Math.abs(bytes) < 1e7 ? 1 : 0)} MB`;
