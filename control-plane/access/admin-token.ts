/**
 * The first admin, so that there is a way in. Its token is the setting's. Without a setting and without any admin, the
 * token is made here and written to a file that only this user can read. The file is written before the row: a start
 * that is interrupted in between finds the file and continues with it.
 *
 * Invariants: an admin that was deleted or got another token stays so over a restart, unless the setting says
 * otherwise. The file never keeps a token that was ended through this process.
 */
import { randomBytes } from 'node:crypto';
import { open, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createToken, hashToken, sameHash } from '../crypto/tokens.ts';
import { findSubject, hasAdmin, putAdmin } from '../db/catalog/subjects.ts';
import { raiseVersion } from '../db/catalog/version.ts';
import { makeDirectory } from '../db/directory.ts';
import type { Orm } from '../db/store.ts';

const adminName = 'admin';

type AdminTokenOptions = {
  readonly dataDirectory: string;
  /** The token of the setting, the operator's explicit wish: each start creates the subject `admin` with it. */
  readonly configured: string | undefined;
};

/** Name of the file with a token that was made here. */
export function adminTokenFile(dataDirectory: string): string {
  return join(dataDirectory, 'admin-token');
}

/** Makes sure that there is an admin. Part of the seeding transaction. */
export async function seedAdmin(orm: Orm, { dataDirectory, configured }: AdminTokenOptions): Promise<void> {
  if (configured === undefined && (await hasAdmin(orm))) return;
  const tokenHash = hashToken(configured ?? (await writtenToken(dataDirectory)));
  const admin = await findSubject(orm, adminName);
  if (admin?.role === 'admin' && sameHash(admin.tokenHash, tokenHash)) return;
  await putAdmin(orm, adminName, tokenHash);
  await raiseVersion(orm);
}

/**
 * Updates the file when a token has ended: if the file holds that token, it gets the successor, or is removed. Never
 * rejects: the change is already stored, and a file that could not be changed holds a token that opens nothing.
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
    // There is no room for the new token, so the old one is removed at least.
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

/** Empty when there is no file. */
async function readToken(path: string): Promise<string> {
  return (await readFile(path, 'utf8').catch(() => '')).trim();
}

async function writeToken(path: string, token: string): Promise<void> {
  const file = await open(`${path}.new`, 'w', 0o600);
  try {
    // The mode above counts only for a new file.
    await file.chmod(0o600);
    await file.writeFile(`${token}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(`${path}.new`, path);
}
