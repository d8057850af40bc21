/**
 * The sealing key of this installation: the configured one, or the one in the data directory, which is created at the
 * first start. Several control planes on one database need the same key, so it must be configured there.
 *
 * Invariant: no control plane runs with another key than its database. It could not open what is sealed there, and
 * others could not open what it sealed.
 */
import { randomBytes } from 'node:crypto';
import { chmodSync, linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SkerryError } from '@skerry/shared/errors.ts';
import type { Config } from '../config/config.ts';
import { makeDirectory } from '../db/directory.ts';
import { sealingKeys } from '../db/schema/events.ts';
import type { Store } from '../db/store.ts';
import { createSealing, keyBytes, type Sealing } from './sealing.ts';

/**
 * Creates the data directory and the key when they are absent. Rejects with SkerryError internal when the database has
 * another key; store_unavailable; or the system's error.
 */
export async function openSealing(
  config: Pick<Config, 'sealingKey' | 'dataDirectory'>,
  store: Store,
): Promise<Sealing> {
  await makeDirectory(config.dataDirectory, 0o700);
  const sealing = createSealing(sealingKey(config.sealingKey, config.dataDirectory));
  await claimSealingKey(store, sealing);
  return sealing;
}

/**
 * @param configured 32 bytes in hex
 * @param directory an existing one
 */
export function sealingKey(configured: string | undefined, directory: string): Uint8Array {
  if (configured !== undefined) return Buffer.from(configured, 'hex');
  const file = join(directory, 'sealing.key');
  try {
    chmodSync(file, 0o600);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    makeKey(file);
  }
  const key = Buffer.from(readFileSync(file, 'utf8').trim(), 'hex');
  if (key.byteLength !== keyBytes) throw new Error(`${file} is not a key: it must have ${keyBytes} bytes in hex`);
  return key;
}

/** The file is written whole or not at all. Of two processes that create one at once, both take the first one's. */
function makeKey(file: string): void {
  const draft = `${file}.${randomBytes(8).toString('hex')}`;
  try {
    writeFileSync(draft, randomBytes(keyBytes).toString('hex'), { flag: 'wx', mode: 0o600, flush: true });
    linkSync(draft, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    rmSync(draft, { force: true });
  }
}

/**
 * Makes the key that of the database, if it has none yet. Rejects with SkerryError internal when it has another one;
 * store_unavailable.
 */
export async function claimSealingKey(store: Store, sealing: Pick<Sealing, 'derive'>): Promise<void> {
  const fingerprint = sealing.derive('fingerprint');
  const known = await store.change(async (orm) => {
    await orm.insert(sealingKeys).values({ id: 1, fingerprint }).onConflictDoNothing();
    return orm.select().from(sealingKeys);
  });
  if (known.some((row) => Buffer.from(row.fingerprint).equals(fingerprint))) return;
  throw new SkerryError(
    'internal',
    'the credentials in this database are sealed with another key: set SKERRY_SEALING_KEY to it, the same for all ' +
      'control planes on one database (it may be in the file sealing.key of the data directory of the first one)',
  );
}
