/**
 * Components and bundles in the database, by their SHA-256, in parts. PGlite runs in this process: storing 14 MB in one
 * statement blocks everything else for seconds, and agents take a control plane that is silent for that long for dead.
 * Between two parts, other work gets its turn.
 *
 * Invariant: code is stored whole or not at all, since all of its parts are in the caller's transaction.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { and, eq } from 'drizzle-orm';
import { bundleParts, bundles, componentParts, components } from '../schema/catalog.ts';
import type { Orm } from '../store.ts';

/** PGlite stores this in about 15 ms. The migration that introduced parts contains the same number. */
const partBytes = 256 * 1024;

const tables = {
  component: { whole: components, parts: componentParts },
  bundle: { whole: bundles, parts: bundleParts },
} as const;

type CodeKind = keyof typeof tables;

/** Stores the code, unless it is already there. */
export async function writeCode(orm: Orm, kind: CodeKind, digest: string, bytes: Uint8Array): Promise<void> {
  const { whole, parts } = tables[kind];
  const added = await orm.insert(whole).values({ digest }).onConflictDoNothing().returning();
  if (added.length === 0) return;
  for (let at = 0; at < bytes.byteLength; at += partBytes) {
    const part = bytes.subarray(at, at + partBytes);
    await orm.insert(parts).values({ digest, part: at / partBytes, bytes: part });
    await nextTurn();
  }
}

/** Undefined when it is not stored. */
export async function readCode(orm: Orm, kind: CodeKind, digest: string): Promise<Uint8Array | undefined> {
  const { whole, parts } = tables[kind];
  const [row] = await orm.select().from(whole).where(eq(whole.digest, digest));
  if (!row) return undefined;
  const read: Uint8Array[] = [];
  for (;;) {
    const [next] = await orm
      .select({ bytes: parts.bytes })
      .from(parts)
      .where(and(eq(parts.digest, digest), eq(parts.part, read.length)));
    if (!next) return Buffer.concat(read);
    read.push(next.bytes);
    await nextTurn();
  }
}
