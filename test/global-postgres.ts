/**
 * One real Postgres for a run of vitest: started before the first `*.pg.test.ts`, ended after the last.
 * `inject('postgresUrl')` gives its URL; each test file makes a database of its own in it.
 *
 * Ending vitest with SIGKILL leaves the server running, so the name of the data directory carries the pid of its
 * vitest, and the next run ends whatever belongs to a pid that is no more.
 */
import { readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { dataPrefix, startPostgres } from './harness/postgres.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** `postgres://…` of a superuser on the database `postgres` of a server that lives as long as the test run. */
    postgresUrl: string;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  await endLeftovers();
  const server = await startPostgres();
  project.provide('postgresUrl', server.url);
  return () => server.close();
}

async function endLeftovers(): Promise<void> {
  for (const entry of await readdir(tmpdir())) {
    const owner = entry.startsWith(dataPrefix) ? Number.parseInt(entry.slice(dataPrefix.length), 10) : Number.NaN;
    if (!Number.isInteger(owner) || isAlive(owner)) continue;
    const directory = join(tmpdir(), entry);
    const postmaster = await readFile(join(directory, 'postmaster.pid'), 'utf8').catch(() => '');
    const pid = Number.parseInt(postmaster, 10);
    // The pid may belong to somebody else by now: end it only when it runs on this very directory.
    const command = Number.isInteger(pid) ? await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '') : '';
    if (command.includes(directory)) process.kill(pid, 'SIGQUIT');
    await rm(directory, { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
