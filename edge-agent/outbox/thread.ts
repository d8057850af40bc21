/**
 * Entry of the thread that has the outbox's file. It takes a batch, commits it, and answers; the next batch has
 * gathered meanwhile. When the file cannot be trusted any more the thread ends, and its successor looks at the file.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { isDamage, primaryCode, type Salvage } from '../durable-file.ts';
import { createOutboxFile } from './file.ts';
import type { FromThread, Operation, Report, ThreadSettings } from './operations.ts';
import { type PackedBatch, unpackBatch } from './packing.ts';
import { openOutbox } from './schema.ts';

const fullCode = 13;
const inputOutputCode = 10;

const port = parentPort;
if (!port) throw new Error('this is the start of a thread');
const { path, limitBytes } = workerData as ThreadSettings;
let reports: Report[] = [];
const takeReports = (): Report[] => reports.splice(0);
const post = (message: FromThread) => port.postMessage(message);

const { db, salvage } = openOutbox(path);
const file = createOutboxFile(db, limitBytes, (report) => reports.push(report), salvage ? damagedIn(salvage) : 0);
if (salvage) {
  const { damage, aside, saved } = salvage;
  reports.push({ level: 'error', message: 'the outbox was damaged', fields: { damage, aside, saved } });
}
post({ kind: 'opened', state: file.state(), pending: file.pending(), reports: takeReports() });

port.on('message', (message: PackedBatch | 'close') => {
  if (message === 'close') {
    file.close();
    port.close();
    return;
  }
  const operations = unpackBatch(message);
  try {
    post(done(operations));
  } catch (error) {
    if (primaryCode(error) !== fullCode) throw error;
    reports = [];
    post({ kind: 'failed', failure: 'full', reports: [] });
  }
  file.tidy();
});

/** Rows that are known to be lost; those that could not even be counted are one. */
function damagedIn({ saved }: Salvage): number {
  const tables = Object.values(saved) as readonly { readonly damaged?: number }[];
  return Math.max(
    1,
    tables.reduce((sum, { damaged = 0 }) => sum + damaged, 0),
  );
}

function done(operations: readonly Operation[]): FromThread {
  const { answers, commitSeconds } = runAll(operations);
  return { kind: 'done', answers, state: file.state(), commitSeconds, reports: takeReports() };
}

/** An operation that SQLite refuses, which is a fault of ours, does not take the rest of its batch with it. */
function runAll(operations: readonly Operation[]): ReturnType<typeof file.run> {
  try {
    return file.run(operations);
  } catch (error) {
    const code = primaryCode(error);
    if (isDamage(error) || code === fullCode || code === inputOutputCode) throw error;
    if (operations.length > 1) {
      const single = operations.map((operation) => runAll([operation]));
      return { answers: single.flatMap(({ answers }) => answers), commitSeconds: undefined };
    }
    const fields = { operation: operations[0]?.do, error: (error as Error).message };
    reports.push({ level: 'error', message: 'the outbox refused an operation', fields });
    return { answers: [undefined], commitSeconds: undefined };
  }
}
