/**
 * `npm run bench`: starts the baselines and the platform as real processes, measures all in turns within one run,
 * prints a table of ratios, and writes it to docs/BENCH.md. Ratios count. Absolute figures depend on the machine.
 *
 * npm run bench -- --seconds 2 --rounds 1 --no-write      a quick look
 */
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { buildExample } from '../harness/example.ts';
import { type Platform, startPlatform } from '../harness/platform.ts';
import { startPostgres } from '../harness/postgres.ts';
import { startProcess } from '../harness/process.ts';
import { startWorkerd } from './baselines/workerd.ts';
import { measureColdStart } from './cold.ts';
import { measureEvents } from './events.ts';
import { type LoadResult, type LoadTarget, load } from './load.ts';
import { residentMemory } from './memory.ts';
import { median, render, type TargetName } from './report.ts';
import { measureSink } from './sink.ts';
import { measureStart } from './start.ts';
import { measureWaiting } from './waiting.ts';
import { measureWarm } from './warm.ts';

const { values: options } = parseArgs({
  options: {
    seconds: { type: 'string', default: '5' },
    rounds: { type: 'string', default: '3' },
    'no-write': { type: 'boolean', default: false },
  },
});
const seconds = Number(options.seconds);
const rounds = Number(options.rounds);

/** The test harness shortens these. The bench measures with their defaults. */
const defaults = {
  SKERRY_PING_INTERVAL_MS: undefined,
  SKERRY_STATUS_INTERVAL_MS: undefined,
  SKERRY_SCRAPE_INTERVAL_MS: undefined,
  SKERRY_CATALOG_POLL_MS: undefined,
};

/** The further settings of infra/skerry-agent.service. */
const asInstalled = { MALLOC_ARENA_MAX: '1', NODE_OPTIONS: '--max-semi-space-size=1' };

/** 230 bytes of JSON, as a sensor reading might be. */
const args = { device: 'press-7', at: '2026-01-01T00:00:00Z', values: Array.from({ length: 30 }, (_, n) => 20 + n) };
const body = JSON.stringify({ args });
const say = (text: string) => process.stderr.write(`${text}\n`);

/** Deploys functions of both worlds, each with fresh instances and with reuse. */
async function deploy({ api }: Platform, token: string): Promise<Record<string, LoadTarget>> {
  const targets: Record<string, LoadTarget> = {};
  for (const [prefix, fixture, path] of [
    ['', 'handler.wasm', '/v1/fn/_/'],
    ['http-', 'http.wasm', '/function/'],
  ] as const) {
    const component = readFileSync(new URL(`../fixtures/${fixture}`, import.meta.url));
    for (const instance of ['fresh', 'reuse']) {
      const name = `${prefix}${instance}`;
      const answer = await api.upload('POST', '/v1/fn/_', name, component, { manifest: { instance } });
      if (answer.status !== 201) throw new Error(`deploying failed: ${JSON.stringify(answer.body)}`);
      targets[name] = { url: new URL(`${path}${name}${prefix === '' ? '' : '/count'}`, api.url), token, body };
    }
  }
  return targets;
}

async function measureLoad(targets: Record<TargetName, LoadTarget>) {
  const runs = new Map<string, { busy: LoadResult[]; single: LoadResult[] }>();
  for (const [name, target] of Object.entries(targets)) {
    say(`warming up ${name}`);
    await load(target, 32, 2);
    runs.set(name, { busy: [], single: [] });
  }
  for (let round = 1; round <= rounds; round++) {
    for (const [name, target] of Object.entries(targets)) {
      say(`round ${round} of ${rounds}: ${name}`);
      runs.get(name)?.busy.push(await load(target, 32, seconds));
      runs.get(name)?.single.push(await load(target, 1, seconds));
    }
  }
  return Object.fromEntries(
    [...runs].map(([name, { busy, single }]) => [name, { busy: median(busy), single: median(single) }]),
  ) as Record<TargetName, { busy: LoadResult; single: LoadResult }>;
}

/** Measures calls, and the memory of an agent. */
async function measureCalls(agentScript: URL, token: string) {
  say('starting the baselines and the platform');
  const workerd = await startWorkerd();
  const bare = startProcess(new URL('./baselines/bare-server.ts', import.meta.url), {});
  const { port } = await bare.line((line) => line.msg === 'listening');
  const peer = startProcess(new URL('./baselines/bare-agent.ts', import.meta.url), {
    BARE_SERVER: `ws://127.0.0.1:${port}`,
  });
  await bare.line((line) => line.msg === 'peer');
  const platform = await startPlatform({ ...defaults, SKERRY_ADMIN_TOKEN: token }, agentScript);
  try {
    const agent = await platform.agent('bench', asInstalled);
    const pids = { agent: agent.pid, controlPlane: platform.controlPlane.pid };
    const idle = residentMemory(pids);
    say('warm functions');
    const warm = await measureWarm(platform.api, pids);
    // Before the load, which leaves memory that is then used again.
    say('a thousand calls that wait');
    const waiting = await measureWaiting(platform.api, pids);
    const results = await measureLoad({
      bare: { url: new URL(`http://127.0.0.1:${port}/echo`), body },
      workerd: { url: workerd.url, body },
      ...(await deploy(platform, token)),
    } as Record<TargetName, LoadTarget>);
    const after = residentMemory(pids);
    say('first calls of unseen components');
    const cold = await measureColdStart(platform.api, buildExample());
    return { results, cold, idle, warm, after, waiting };
  } finally {
    await Promise.all([platform.stop(), workerd.stop(), bare.stop('SIGKILL'), peer.stop('SIGKILL')]);
  }
}

/** Measures against a new Postgres: each control plane has a sealing key of its own, which belongs to one database. */
async function onPostgres<Result>(measure: (databaseUrl: string) => Promise<Result>): Promise<Result> {
  const postgres = await startPostgres();
  return measure(postgres.url).finally(() => postgres.close());
}

async function main(): Promise<void> {
  say('building the released agent');
  const release = mkdtempSync(join(tmpdir(), 'skerry-bench-'));
  const build = fileURLToPath(import.meta.resolve('@skerry/edge-agent/build.ts'));
  execFileSync(process.execPath, [build, '--out', release], { stdio: 'pipe' });
  const agentScript = pathToFileURL(join(release, 'agent.mjs'));
  const token = `sk_${randomBytes(32).toString('base64url')}`;
  try {
    const calls = await measureCalls(agentScript, token);
    const events = await measureEvents({ agentScript, agentEnv: asInstalled, token, seconds, say });
    say('documents into a sink');
    const sink = await onPostgres((url) => measureSink(url));
    say('starts of the control plane and of commands');
    const start = await onPostgres((url) => measureStart(url));
    const text = render({ when: new Date(), node: process.version, seconds, rounds, ...calls, events, sink, start });
    process.stdout.write(text);
    if (!options['no-write']) writeFileSync(new URL('../../docs/BENCH.md', import.meta.url), text);
  } finally {
    rmSync(release, { recursive: true });
  }
}

await main();
