/** The measurements as a page for people: docs/BENCH.md. */
import { cpus } from 'node:os';
import type { ColdStart } from './cold.ts';
import type { LoadResult } from './load.ts';
import type { Resident } from './memory.ts';

type Result = { readonly busy: LoadResult; readonly single: LoadResult };

export type Report = {
  readonly when: Date;
  readonly node: string;
  readonly seconds: number;
  readonly rounds: number;
  readonly results: Readonly<Record<string, Result>>;
  readonly cold: ColdStart;
  /** Before any function was deployed, and after all of it. */
  readonly idle: Resident;
  readonly warm: Resident;
};

/** The run in the middle by requests per second, with the failures of all. */
export function median(runs: readonly LoadResult[]): LoadResult {
  const sorted = [...runs].sort((a, b) => a.perSecond - b.perSecond);
  const middle = sorted[Math.floor(sorted.length / 2)];
  if (!middle) throw new Error('nothing was measured');
  return { ...middle, failed: runs.reduce((sum, run) => sum + run.failed, 0) };
}

export function render(report: Report): string {
  const { results, cold, idle, warm } = report;
  const [bare, fresh, reuse] = ['bare', 'fresh', 'reuse'].map((name) => {
    const result = results[name];
    if (!result) throw new Error(`no result for ${name}`);
    return result;
  }) as [Result, Result, Result];
  const share = (result: Result) => result.busy.perSecond / bare.busy.perSecond;
  const added = (result: Result) => result.single.p50 - bare.single.p50;
  const coldMedian = [...cold.milliseconds].sort((a, b) => a - b)[Math.floor(cold.milliseconds.length / 2)] ?? 0;
  const rows = [
    ['fresh instance, 32 in flight, share of the bare tunnel', percent(share(fresh)), '≥ 50 %', share(fresh) >= 0.5],
    ['reused instance, 32 in flight, share of the bare tunnel', percent(share(reuse)), '≥ 75 %', share(reuse) >= 0.75],
    ['added median latency, fresh, one in flight', ms(added(fresh)), '≤ 0.15 ms', added(fresh) <= 0.15],
    ['added median latency, reused, one in flight', ms(added(reuse)), '≤ 0.15 ms', added(reuse) <= 0.15],
    [`first call of an unseen component of ${mb(cold.bytes)}`, ms(coldMedian), '≤ 150 ms', coldMedian <= 150],
    ['agent idle, tunnel up, RSS', mb(idle.agent), '≤ 70 MB', idle.agent <= 70e6],
    [
      'agent and runner after the bench, RSS',
      mb(warm.agent + warm.runner),
      '≤ 130 MB',
      warm.agent + warm.runner <= 130e6,
    ],
    ['control plane on PGlite after its first start, idle, RSS', mb(idle.controlPlane), 'none', undefined],
  ] as const;
  return `# Measurements

Written by \`npm run bench\` (${report.when.toISOString().slice(0, 10)}, Node ${report.node}, ${cpus().length} cores, load
generator on the same machine). Medians of ${report.rounds} rounds of ${report.seconds} s each, taken in turns. Ratios are what counts: the
baseline is the bare tunnel (\`test/bench/bare-server.ts\`), Hono + ws + msgpack echo with nothing of ours.

| what | measured | target | met |
| --- | --- | --- | --- |
${rows.map(([what, value, target, met]) => `| ${what} | ${value} | ${target} | ${met === undefined ? '' : met ? 'yes' : 'no'} |`).join('\n')}

| | requests/s, 32 in flight | p50 | p99 | one in flight, p50 | p99 | failed |
| --- | --- | --- | --- | --- | --- | --- |
${(
  [
    ['bare tunnel', bare],
    ['fresh instance', fresh],
    ['reused instance', reuse],
  ] as const
)
  .map(
    ([name, { busy, single }]) =>
      `| ${name} | ${Math.round(busy.perSecond)} | ${ms(busy.p50)} | ${ms(busy.p99)} | ${ms(single.p50)} | ${ms(single.p99)} | ${busy.failed + single.failed} |`,
  )
  .join('\n')}

First calls of an unseen component (deployed without waiting, then called at once): ${cold.milliseconds
    .map((value) => ms(value))
    .join(', ')}.

RSS after the bench: agent ${mb(warm.agent)}, runner ${mb(warm.runner)}, control plane ${mb(warm.controlPlane)}.
`;
}

const percent = (share: number) => `${(share * 100).toFixed(0)} %`;
const ms = (value: number) => `${value.toFixed(value < 10 ? 2 : 0)} ms`;
const mb = (bytes: number) => `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`;
