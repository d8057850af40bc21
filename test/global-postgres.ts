/**
 * One real Postgres for a run of vitest: started before the first `*.pg.test.ts`, ended after the last.
 * `inject('postgresUrl')` gives its URL; each test file makes a database of its own in it.
 *
 * A vitest that ends by SIGKILL leaves the server running. So the name of the data directory carries the pid of its
 * vitest, and the next run ends the servers of pids that no longer run.
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
    // Another process may have the pid by now, so only a process that runs on this very directory is ended.
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
