/**
 * Entry of the thread that has the outbox's file. It takes a batch, commits it, and answers; meanwhile the next batch
 * collects. When the file can no longer be trusted the thread ends, and its successor checks the file.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { isDamage, primaryCode, type Salvage } from '../../storage/durable-file.ts';
import { type BatchResult, createOutboxFile } from '../storage/file.ts';
import type { FromOutboxThread, Operation, Report, ThreadSettings } from '../storage/operations.ts';
import { openOutbox } from '../storage/schema.ts';
import { type PackedBatch, unpackBatch } from './packing.ts';

const fullCode = 13;
const inputOutputCode = 10;

const port = parentPort;
if (!port) throw new Error('this script must be started as a thread');
const { path, limitBytes, seqAfter } = workerData as ThreadSettings;
let reports: Report[] = [];
const takeReports = (): Report[] => reports.splice(0);
const post = (message: FromOutboxThread) => port.postMessage(message);

const { db, salvage, lostWrites } = openOutbox(path);
const damagedAtOpen = (salvage ? damagedIn(salvage) : 0) + (lostWrites ? Math.max(1, lostWrites.frames) : 0);
const file = createOutboxFile(db, limitBytes, (report) => reports.push(report), damagedAtOpen, seqAfter);
if (lostWrites) {
  reports.push({ level: 'error', message: 'what was written last to the outbox is missing', fields: lostWrites });
}
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
  try {
    file.tidy();
  } catch (error) {
    // Pages that cannot be returned on a full disk stay in the file for later rows.
    if (primaryCode(error) !== fullCode) throw error;
  }
});

/** Rows that are known to be lost; rows that could not even be counted are one. */
function damagedIn({ saved }: Salvage): number {
  const tables = Object.values(saved) as readonly { readonly damaged?: number }[];
  return Math.max(
    1,
    tables.reduce((sum, { damaged = 0 }) => sum + damaged, 0),
  );
}

function done(operations: readonly Operation[]): FromOutboxThread {
  const { answers, refused, commitSeconds } = runAll(operations);
  return { kind: 'done', answers, refused, state: file.state(), commitSeconds, reports: takeReports() };
}

/** An operation that SQLite refuses, which is a bug of ours, does not spoil the rest of its batch. */
function runAll(operations: readonly Operation[]): BatchResult & { readonly refused: readonly number[] } {
  try {
    return { ...file.run(operations), refused: [] };
  } catch (error) {
    const code = primaryCode(error);
    if (isDamage(error) || code === fullCode || code === inputOutputCode) throw error;
    if (operations.length > 1) {
      const single = operations.map((operation) => runAll([operation]));
      const refused = single.flatMap((one, index) => (one.refused.length > 0 ? index : []));
      return { answers: single.flatMap(({ answers }) => answers), refused, commitSeconds: undefined };
    }
    const fields = { operation: operations[0]?.do, error: (error as Error).message };
    reports.push({ level: 'error', message: 'the outbox refused an operation', fields });
    const [operation] = operations;
    if (operation) file.refuse(operation);
    return { answers: [undefined], refused: [0], commitSeconds: undefined };
  }
}
