/**
 * Tables of the catalog: modules, functions, their code, subjects and agents. The tables of events are in events.ts. A
 * change here needs `npm run db:generate`, and the new migration committed beside it; a released migration is never
 * edited. The schema stays within PostgreSQL 15 to 18.
 *
 * Invariants that the database itself keeps: names are unique where they must be, a revision's code exists, tokens are
 * stored as hashes only, and no two agents that are not revoked have one name.
 */
import type { World } from '@skerry/shared/function/bundle.ts';
import type { Manifest } from '@skerry/shared/function/manifest.ts';
import type { Labels } from '@skerry/shared/function/names.ts';
import { sql } from 'drizzle-orm';
import {
  check,
  foreignKey,
  index,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  text,
  uniqueIndex,
  uuid,
} from 'drizzle-orm/pg-core';
import { bytea, moment, version } from './columns.ts';

/** One row: raised with every change that the catalogs of running control planes must learn of. */
export const catalogVersion = pgTable(
  'catalog_version',
  { id: integer('id').primaryKey(), version: version('version').notNull() },
  (table) => [check('catalog_version_one_row', sql`${table.id} = 1`)],
);

export const modules = pgTable('modules', {
  id: uuid('id').primaryKey().defaultRandom(),
  name: text('name').notNull().unique('modules_name_unique'),
  createdAt: moment('created_at').notNull().defaultNow(),
});

export const functions = pgTable(
  'functions',
  {
    id: uuid('id').primaryKey().defaultRandom(),
    moduleId: uuid('module_id')
      .notNull()
      .references(() => modules.id, { onDelete: 'cascade' }),
    name: text('name').notNull(),
    /** Number of the current revision. */
    revision: integer('revision').notNull(),
    /** Highest number ever given: a rollback and a later update do not give a number twice. */
    lastRevision: integer('last_revision').notNull(),
    /** Catalog version at which the current revision came in. */
    since: version('since').notNull(),
    createdAt: moment('created_at').notNull().defaultNow(),
  },
  (table) => [uniqueIndex('functions_module_name_unique').on(table.moduleId, table.name)],
);

/** Uploaded components by SHA-256; their bytes are in parts, see db/catalog/code.ts. */
export const components = pgTable('components', { digest: text('digest').primaryKey() });

export const componentParts = pgTable(
  'component_parts',
  {
    digest: text('digest')
      .notNull()
      .references(() => components.digest, { onDelete: 'cascade' }),
    /** From 0. */
    part: integer('part').notNull(),
    bytes: bytea('bytes').notNull(),
  },
  (table) => [primaryKey({ columns: [table.digest, table.part] })],
);

/** Prepared bundles by SHA-256, likewise. */
export const bundles = pgTable('bundles', { digest: text('digest').primaryKey() });

export const bundleParts = pgTable(
  'bundle_parts',
  {
    digest: text('digest')
      .notNull()
      .references(() => bundles.digest, { onDelete: 'cascade' }),
    part: integer('part').notNull(),
    bytes: bytea('bytes').notNull(),
  },
  (table) => [primaryKey({ columns: [table.digest, table.part] })],
);

/** Never updated. */
export const revisions = pgTable(
  'revisions',
  {
    functionId: uuid('function_id').notNull(),
    number: integer('number').notNull(),
    manifest: jsonb('manifest').$type<Manifest>().notNull(),
    component: text('component_digest')
      .notNull()
      .references(() => components.digest),
    bundle: text('bundle_digest')
      .notNull()
      .references(() => bundles.digest),
    world: text('world').$type<World>().notNull(),
    imports: jsonb('imports').$type<string[]>().notNull(),
    /** Bytes of the component. */
    size: integer('size').notNull(),
    initialMemoryBytes: version('initial_memory_bytes').notNull(),
    createdAt: moment('created_at').notNull().defaultNow(),
    /** Name of the subject that uploaded it, which may be deleted. */
    createdBy: text('created_by').notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.functionId, table.number] }),
    foreignKey({ columns: [table.functionId], foreignColumns: [functions.id], name: 'revisions_function_fk' }).onDelete(
      'cascade',
    ),
    index('revisions_component_index').on(table.component),
    index('revisions_bundle_index').on(table.bundle),
  ],
);

/** Users of the API. */
export const subjects = pgTable('subjects', {
  id: uuid('id').primaryKey().defaultRandom(),
  name: text('name').notNull().unique('subjects_name_unique'),
  role: text('role').$type<'admin' | 'user'>().notNull(),
  /** SHA-256 of the token. */
  tokenHash: bytea('token_hash').notNull().unique('subjects_token_hash_unique'),
  createdAt: moment('created_at').notNull().defaultNow(),
});

export const agents = pgTable(
  'agents',
  {
    id: uuid('id').primaryKey().defaultRandom(),
    /** Raw Ed25519 key. */
    publicKey: bytea('public_key').notNull().unique('agents_public_key_unique'),
    name: text('name').notNull(),
    /** As the agent last reported. */
    labels: jsonb('labels').$type<Labels>().notNull(),
    /** Given by the join token; they override the agent's own. */
    grantedLabels: jsonb('granted_labels').$type<Labels>().notNull(),
    /** Raised with every accepted tunnel. */
    epoch: version('epoch').notNull(),
    version: text('version').notNull(),
    /** Last generation that the agent reported as applied. */
    applied: version('applied').notNull().default(0),
    createdAt: moment('created_at').notNull().defaultNow(),
    lastSeenAt: moment('last_seen_at').notNull().defaultNow(),
    revokedAt: moment('revoked_at'),
  },
  (table) => [uniqueIndex('agents_name_unique').on(table.name).where(sql`${table.revokedAt} is null`)],
);

export const joinTokens = pgTable('join_tokens', {
  id: uuid('id').primaryKey().defaultRandom(),
  /** SHA-256 of the token. */
  tokenHash: bytea('token_hash').notNull().unique('join_tokens_token_hash_unique'),
  usesLeft: integer('uses_left').notNull(),
  usesMax: integer('uses_max').notNull(),
  labels: jsonb('labels').$type<Labels>().notNull(),
  createdAt: moment('created_at').notNull().defaultNow(),
  createdBy: text('created_by').notNull(),
  expiresAt: moment('expires_at').notNull(),
  revokedAt: moment('revoked_at'),
});
