/**
 * The file in which `skerry login` keeps a server and its token: `~/.config/skerry/config.json`, or the one named by
 * SKERRY_CONFIG. Invariant: it is never readable by others, not even while it is being written.
 */
import { chmod, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { CliFailure } from '../terminal/failure.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { makeDirectory } from './directory.ts';

export type Login = { readonly server: string; readonly token: string };

/** Where the file is, whether or not it exists. */
export function loginFilePath({ env, home }: Pick<Terminal, 'env' | 'home'>): string {
  if (env.SKERRY_CONFIG) return env.SKERRY_CONFIG;
  return join(env.XDG_CONFIG_HOME || join(home, '.config'), 'skerry', 'config.json');
}

/** @throws CliFailure when the file is there and cannot be read as a login */
export async function readLogin(path: string): Promise<Login | undefined> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw new CliFailure('usage', `cannot read ${path}: ${error.message}`, { cause: error });
  });
  if (text === undefined) return undefined;
  try {
    const value = JSON.parse(text) as Partial<Login> | null;
    if (typeof value?.server === 'string' && typeof value.token === 'string') {
      return { server: value.server, token: value.token };
    }
  } catch {
    // Falls through to the one message for every form of damage.
  }
  throw new CliFailure('usage', `${path} is not a login file; write it anew with: skerry login`);
}

/** Replaces the file as a whole: a reader sees the old login or the new one. @throws CliFailure */
export async function writeLogin(path: string, login: Login): Promise<void> {
  const draft = `${path}.${process.pid}`;
  try {
    await makeDirectory(dirname(path), 0o700);
    const file = await open(draft, 'w', 0o600);
    try {
      await file.writeFile(`${JSON.stringify(login, null, 2)}\n`);
    } finally {
      await file.close();
    }
    await chmod(draft, 0o600);
    await rename(draft, path);
  } catch (error) {
    await rm(draft, { force: true }).catch(() => undefined);
    throw new CliFailure('failed', `cannot write ${path}: ${(error as Error).message}`, { cause: error });
  }
}
