/**
 * The first admin, so that there is a way in. Its token is the setting's, or is made when there is no admin at all and
 * written to a file that only this user can read. The file is written before the row: a start that is cut off in
 * between finds the file and goes on with it.
 *
 * Invariants: an admin that was deleted or got another token stays so over a restart, unless the setting says
 * otherwise; the file never keeps a token that was ended through this process.
 */
import { randomBytes } from 'node:crypto';
import { open, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { eq } from 'drizzle-orm';
import { createToken, hashToken, sameHash } from '../crypto/tokens.ts';
import { raiseVersion } from '../db/catalog/version.ts';
import { makeDirectory } from '../db/directory.ts';
import { subjects } from '../db/schema/catalog.ts';
import type { Orm } from '../db/store.ts';

export const adminName = 'admin';

export type AdminTokenOptions = {
  readonly dataDirectory: string;
  /** The token of the setting. The operator's explicit wish: each start puts the subject `admin` in force with it. */
  readonly configured: string | undefined;
};

/** Name of the file that the token is written to when it was made here. */
export function adminTokenFile(dataDirectory: string): string {
  return join(dataDirectory, 'admin-token');
}

/** Makes sure that there is an admin; part of the seeding transaction. */
export async function seedAdmin(orm: Orm, { dataDirectory, configured }: AdminTokenOptions): Promise<void> {
  if (configured === undefined) {
    const [anyAdmin] = await orm.select().from(subjects).where(eq(subjects.role, 'admin')).limit(1);
    if (anyAdmin) return;
  }
  const tokenHash = hashToken(configured ?? (await writtenToken(dataDirectory)));
  const [admin] = await orm.select().from(subjects).where(eq(subjects.name, adminName));
  if (admin?.role === 'admin' && sameHash(admin.tokenHash, tokenHash)) return;
  await orm
    .insert(subjects)
    .values({ name: adminName, role: 'admin', tokenHash })
    .onConflictDoUpdate({ target: subjects.name, set: { tokenHash, role: 'admin' } });
  await raiseVersion(orm);
}

/**
 * Keeps the file true when a token has ended: if it holds that one, it gets the successor, or goes. Never rejects: the
 * change is stored by now, and a file that could not be changed holds a token that opens nothing.
 */
export async function replaceWrittenToken(
  dataDirectory: string,
  ended: Uint8Array,
  successor: string | undefined,
): Promise<void> {
  const path = adminTokenFile(dataDirectory);
  const written = await readToken(path);
  if (written === '' || !sameHash(hashToken(written), ended)) return;
  try {
    if (successor !== undefined) return await writeToken(path, successor);
  } catch {
    // No room for the new one: then at least the old one goes.
  }
  await rm(path, { force: true }).catch(() => undefined);
}

async function writtenToken(dataDirectory: string): Promise<string> {
  const path = adminTokenFile(dataDirectory);
  const written = await readToken(path);
  if (written !== '') return written;
  const token = createToken('sk_', randomBytes);
  await makeDirectory(dataDirectory, 0o700);
  await writeToken(path, token);
  return token;
}

/** Empty when there is none. */
async function readToken(path: string): Promise<string> {
  return (await readFile(path, 'utf8').catch(() => '')).trim();
}

async function writeToken(path: string, token: string): Promise<void> {
  const file = await open(`${path}.new`, 'w', 0o600);
  try {
    // The mode above counts only when the file is new.
    await file.chmod(0o600);
    await file.writeFile(`${token}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(`${path}.new`, path);
}
