/**
 * Runs every check of the repository, one after another, also after a failure, and prints the time of each.
 * The last line is `N passed, N failed, N skipped`: the counts of the tests, and one more failure for each other check
 * that failed. scripts/test uses it.
 */
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { endLeftovers, runMark } from './checks/leftovers.ts';
import { runStep } from './checks/step.ts';
import { readTestCounts } from './checks/test-counts.ts';

const inCi = process.env.CI === 'true';
const directory = await mkdtemp(join(tmpdir(), 'skerry-checks-'));
const reportFile = join(directory, 'vitest.json');
const env = {
  ...process.env,
  [runMark]: randomUUID(),
  TURBO_TELEMETRY_DISABLED: '1',
  DO_NOT_TRACK: '1',
};

const failures: string[] = [];
async function check(title: string, command: readonly string[]): Promise<void> {
  if (!(await runStep(title, command, { env, timeoutMs: 300_000 }))) failures.push(title);
}

await check('format and lint', ['biome', 'ci', '.']);
await check('types', ['turbo', 'run', 'types', '--output-logs=errors-only']);
await check('types of scripts', ['tsc', '--noEmit', '-p', 'scripts']);
await check('import rules', ['node', 'scripts/check-imports.ts']);
await check('prose rules', ['node', 'scripts/check-prose.ts']);

const testsPassed = await runStep(
  'tests',
  ['vitest', 'run', '--reporter=default', '--reporter=json', `--outputFile.json=${reportFile}`],
  { env, timeoutMs: 1_200_000, show: true },
);
const counts = await readTestCounts(reportFile);
await rm(directory, { recursive: true, force: true });
if (!testsPassed && counts.failed === 0) failures.push('tests (ended with an error outside of any test)');
if (inCi && counts.skipped > 0) failures.push(`${counts.skipped} skipped tests, which CI does not allow`);

const left = await endLeftovers(env[runMark]);
if (left.length > 0) failures.push(`processes left behind: ${left.join('; ')}`);

console.log('');
for (const failure of failures) console.log(`failed: ${failure}`);
const failed = counts.failed + failures.length;
console.log(`${counts.passed} passed, ${failed} failed, ${counts.skipped} skipped`);
process.exitCode = failed === 0 ? 0 : 1;
