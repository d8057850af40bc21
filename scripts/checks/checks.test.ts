import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { endLeftovers, runMark } from './leftovers.ts';
import { runStep } from './step.ts';
import { readTestCounts } from './test-counts.ts';

async function countsFor(report: string | undefined) {
  const directory = await mkdtemp(join(tmpdir(), 'skerry-checks-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  const file = join(directory, 'report.json');
  if (report !== undefined) await writeFile(file, report);
  return readTestCounts(file);
}

test('counts: tests, files that failed before their tests, a report that is not there', async () => {
  const report = {
    numPassedTests: 5,
    numFailedTests: 1,
    numPendingTests: 2,
    numTodoTests: 1,
    testResults: [
      { status: 'failed', assertionResults: [{}] },
      { status: 'failed', assertionResults: [] },
      { status: 'passed', assertionResults: [{}] },
    ],
  };
  expect(await countsFor(JSON.stringify(report))).toEqual({ passed: 5, failed: 2, skipped: 3 });
  expect(await countsFor(undefined)).toEqual({ passed: 0, failed: 1, skipped: 0 });
  expect(await countsFor('{"numPassed')).toEqual({ passed: 0, failed: 1, skipped: 0 });
});

test('a process that was left behind is found in a session of its own, named and ended', async () => {
  const mark = randomUUID();
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], {
    env: { ...process.env, [runMark]: mark },
    detached: true,
    stdio: 'ignore',
  });
  await once(child, 'spawn');
  const ended = once(child, 'exit');
  expect(await endLeftovers(mark, 0)).toEqual([expect.stringMatching(new RegExp(`^${child.pid} .*setInterval`))]);
  expect(await ended).toEqual([null, 'SIGKILL']);
  expect(await endLeftovers(mark, 0)).toEqual([]);
});

test.each([
  ['exit code 0', 'process.exitCode = 0', true],
  ['another exit code', 'process.exitCode = 3', false],
  ['no end in time', 'setInterval(() => {}, 1000)', false],
])('a step with %s', async (_, script, expected) => {
  const timeoutMs = script.startsWith('setInterval') ? 300 : 15_000;
  expect(await runStep('step', [process.execPath, '-e', script], { env: process.env, timeoutMs })).toBe(expected);
});
