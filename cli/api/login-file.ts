/**
 * The file in which `skerry login` keeps a server and its token: `~/.config/skerry/config.json`, or the file that
 * SKERRY_CONFIG names. Invariant: other users can never read it, not even while it is written.
 */
import { chmod, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { CliFailure } from '../terminal/failure.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { makeDirectory } from './directory.ts';

type Login = { readonly server: string; readonly token: string };

/** The path of the file, which need not exist. */
export function loginFilePath({ env, home }: Pick<Terminal, 'env' | 'home'>): string {
  if (env.SKERRY_CONFIG) return env.SKERRY_CONFIG;
  return join(env.XDG_CONFIG_HOME || join(home, '.config'), 'skerry', 'config.json');
}

/** @throws CliFailure when the file exists and is not a login */
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
    // Falls through: every form of damage has the same message.
  }
  throw new CliFailure('usage', `${path} is not a login file; write a new one with: skerry login`);
}

/** Replaces the whole file: a reader sees the old login or the new one. @throws CliFailure */
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
