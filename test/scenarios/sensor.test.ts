/** examples/sensor as a user starts it, with real processes: broker, control plane, agent, sensor. */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, onTestFinished, test, vi } from 'vitest';
import { endLeftovers, runMark } from '../../scripts/checks/leftovers.ts';
import { findMosquitto } from '../../scripts/sensor-demo/services/mosquitto.ts';
import { type CouchDb, startCouchDb } from '../harness/couchdb/couchdb.ts';

const main = fileURLToPath(new URL('../../scripts/sensor-demo/main.ts', import.meta.url));
/** The data folder of all runs here, one after another, as a user has it. */
const data = mkdtempSync(join(tmpdir(), 'skerry-sensor-'));
afterAll(() => rmSync(data, { recursive: true, force: true }));

const database = 'sensor-reports';

type Run = {
  readonly child: ChildProcess;
  readonly lines: readonly string[];
  /** The first fitting line from `after` on; rejects when the run ends before. */
  line(pattern: RegExp, after?: number): Promise<string>;
  press(key: string): void;
  readonly exited: Promise<unknown[]>;
  /** Processes that are left of it, by a mark that all its processes have. */
  left(): Promise<string[]>;
};

function startRun(args: readonly string[], env: Readonly<Record<string, string>> = {}): Run {
  const mark = randomUUID();
  const { PATH, HOME } = process.env;
  const child = spawn(process.execPath, [main, '--data', data, ...args], {
    env: { PATH, HOME, [runMark]: mark, ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await endLeftovers(mark, 0);
  });
  const lines: string[] = [];
  const watchers = new Set<() => void>();
  const look = () => {
    for (const watcher of watchers) watcher();
  };
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => {
      lines.push(line);
      look();
    });
  }
  let ended = false;
  const exited = once(child, 'close').finally(() => {
    ended = true;
    look();
  });
  return {
    child,
    lines,
    exited,
    press: (key) => void child.stdin.write(`${key}\n`),
    left: () => endLeftovers(mark),
    line: (pattern, after = 0) =>
      new Promise((resolve, reject) => {
        const watcher = () => {
          const found = lines.slice(after).find((line) => pattern.test(line));
          if (found === undefined && !ended) return;
          watchers.delete(watcher);
          if (found === undefined) reject(new Error(`it ended without ${pattern}:\n${lines.join('\n')}`));
          else resolve(found);
        };
        watchers.add(watcher);
        watcher();
      }),
  };
}

type Report = {
  readonly _id: string;
  readonly id: string;
  readonly function: string;
  readonly agent: string;
  readonly origin: string;
  readonly result: { readonly message: string; readonly alert: { readonly level: string } | null };
};

function reportsIn(couch: CouchDb): Report[] {
  return [...couch.documents(database).values()] as unknown as Report[];
}

/** Numbers that the sensor gave the messages whose reports have arrived, in order. */
function numbersIn(couch: CouchDb): number[] {
  return reportsIn(couch)
    .map(({ result }) => Number(result.message.split('-').at(-1)))
    .sort((a, b) => a - b);
}

test('--once ends by itself after the first alerts, and leaves nothing behind', {
  timeout: 180_000,
}, async () => {
  const run = startRun(['--once']);
  expect([await run.exited, run.lines]).toEqual([[0, null], expect.any(Array)]);
  const alerts = run.lines.filter((line) => line.includes('ALERT'));
  expect(alerts[0]).toMatch(/CouchDB +ALERT boiler is high: 8\d(\.\d)? °C, the limit is 80 °C .*recorded on device/);
  expect(alerts[1]).toMatch(/CouchDB +ALERT boiler is normal: back to 7\d(\.\d)? °C, below 75 °C/);
  expect(run.lines.at(-1)).toMatch(/^\d+ messages sent, \d+ reports in CouchDB, 2 of them alerts\.$/);
  expect(await run.left()).toEqual([]);
});

test('with the control plane away, and the power gone besides, nothing is lost and nothing is there twice', {
  timeout: 180_000,
}, async () => {
  const couch = await startCouchDb({ user: 'admin', password: 'a b/c' });
  onTestFinished(() => couch.stop());
  const run = startRun([], { COUCHDB_URL: `http://admin:a%20b%2Fc@127.0.0.1:${couch.port}` });
  await run.line(/ALERT boiler is high/);

  run.press('c');
  await run.line(/control plane +stopped/);
  await run.line(/device +\d+ outcomes are in the outbox/);
  const before = couch.documents(database).size;
  run.press('d');
  await run.line(/device +without power/);
  const dark = run.lines.length;
  await run.line(/sensor +message/, dark);
  run.press('d');
  await run.line(/device +runs again/);
  const light = run.lines.length;
  await run.line(/device +\d+ outcomes are in the outbox/, light);
  expect(couch.documents(database).size).toBe(before);

  run.press('c');
  await run.line(/control plane +runs again/);
  const back = run.lines.length;
  await run.line(/ALERT/, back);
  const last = Number(/message (\d+)/.exec(run.lines.filter((line) => /sensor +message/.test(line)).at(-1) ?? '')?.[1]);
  await vi.waitUntil(() => numbersIn(couch).includes(last), { timeout: 30_000, interval: 100 });

  const numbers = numbersIn(couch);
  expect(numbers).toEqual(numbers.map((_, index) => index + 1));
  for (const report of reportsIn(couch)) {
    expect(report).toMatchObject({ id: report._id, function: 'alerts', agent: 'device', origin: 'mqtt' });
  }
  const levels = reportsIn(couch).flatMap(({ result }) => (result.alert ? [result.alert.level] : []));
  expect(new Set(levels)).toEqual(new Set(['high', 'normal']));

  run.child.kill('SIGINT');
  expect([await run.exited, await run.left()]).toEqual([[0, null], []]);
  expect(run.lines.join('\n')).not.toContain('a b/c');
});

test('killed, it leaves nothing behind either', { timeout: 120_000 }, async () => {
  const run = startRun([]);
  await run.line(/sensor +message/);
  run.child.kill('SIGKILL');
  await run.exited;
  expect(await run.left()).toEqual([]);
});

test.each([
  ['--help', 0, /^Usage: scripts\/sensor \[--once\]/],
  ['--twice', 2, /unknown argument "--twice"/],
])('scripts/sensor %s', async (argument, code, text) => {
  const child = spawn(fileURLToPath(new URL('../../scripts/sensor', import.meta.url)), [argument]);
  const printed = Promise.all([child.stdout, child.stderr].map((stream) => stream.toArray()));
  expect(await once(child, 'close')).toEqual([code, null]);
  expect((await printed).flat().join('')).toMatch(text);
});

test('without mosquitto it names the package', () => {
  expect(() => findMosquitto([tmpdir()])).toThrow(/mosquitto is missing: install the package of that name/);
});
