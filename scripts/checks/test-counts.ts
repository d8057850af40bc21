/** Counts tests that passed, failed and were skipped in vitest's JSON report. */
import { readFile } from 'node:fs/promises';

type TestCounts = { readonly passed: number; readonly failed: number; readonly skipped: number };

type Report = {
  numPassedTests: number;
  numFailedTests: number;
  numPendingTests: number;
  numTodoTests: number;
  testResults: { status: string; assertionResults: unknown[] }[];
};

/**
 * A file that failed before its tests ran counts as one failure. So does a report that is missing or cut off.
 */
export async function readTestCounts(reportFile: string): Promise<TestCounts> {
  const report = await readReport(reportFile);
  if (report === undefined) return { passed: 0, failed: 1, skipped: 0 };
  const broken = report.testResults.filter(
    ({ status, assertionResults }) => status === 'failed' && assertionResults.length === 0,
  );
  return {
    passed: report.numPassedTests,
    failed: report.numFailedTests + broken.length,
    skipped: report.numPendingTests + report.numTodoTests,
  };
}

async function readReport(file: string): Promise<Report | undefined> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as Report;
  } catch {
    return undefined;
  }
}
