/**
 * The first subject, `admin`, so that there is a way in. Its token is the setting's, or is made at the first start
 * and written to a file that only this user can read. The file is written before the row: a start that is cut off in
 * between finds the file and goes on with it.
 */
import { randomBytes } from 'node:crypto';
import { mkdir, open, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { eq } from 'drizzle-orm';
import { subjects } from './db/schema.ts';
import type { Orm } from './db/store.ts';
import { raiseVersion } from './db/version.ts';
import { createToken, hashToken, sameHash } from './tokens.ts';

export const adminName = 'admin';

export type AdminTokenOptions = {
  readonly dataDirectory: string;
  /** The token of the setting; each start puts it in force again. */
  readonly configured: string | undefined;
};

/** Name of the file that the token is written to when it was made here. */
export function adminTokenFile(dataDirectory: string): string {
  return join(dataDirectory, 'admin-token');
}

/** Makes sure that there is an admin; part of the seeding transaction. */
export async function seedAdmin(orm: Orm, { dataDirectory, configured }: AdminTokenOptions): Promise<void> {
  const [admin] = await orm.select().from(subjects).where(eq(subjects.name, adminName));
  if (admin && configured === undefined) return;
  const tokenHash = hashToken(configured ?? (await writtenToken(dataDirectory)));
  if (admin && sameHash(admin.tokenHash, tokenHash)) return;
  await orm
    .insert(subjects)
    .values({ name: adminName, role: 'admin', tokenHash })
    .onConflictDoUpdate({ target: subjects.name, set: { tokenHash, role: 'admin' } });
  await raiseVersion(orm);
}

async function writtenToken(dataDirectory: string): Promise<string> {
  const path = adminTokenFile(dataDirectory);
  const written = (await readFile(path, 'utf8').catch(() => '')).trim();
  if (written !== '') return written;
  const token = createToken('sk_', randomBytes);
  await mkdir(dataDirectory, { recursive: true, mode: 0o700 });
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
  return token;
}
