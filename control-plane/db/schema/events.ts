/**
 * Tables of events and their outcomes: triggers, invocations, sinks, deliveries. As with the catalog's tables
 * (catalog.ts), a change here needs `npm run db:generate`.
 *
 * Invariants that the database itself keeps: an invocation exists once. An outcome has at most one delivery per sink at
 * a time. A delivery has its invocation.
 */
import type { ErrorCode } from '@skerry/shared/errors.ts';
import type { Sink } from '@skerry/shared/function/sinks.ts';
import type { Trigger } from '@skerry/shared/function/triggers.ts';
import type { RequestHead } from '@skerry/shared/http/http.ts';
import { sql } from 'drizzle-orm';
import { bigint, boolean, check, index, integer, jsonb, pgTable, text, uniqueIndex, uuid } from 'drizzle-orm/pg-core';
import type { InvocationOrigin, InvocationState } from '../../model/origin.ts';
import { functions } from './catalog.ts';
import { bytea, moment, version } from './columns.ts';

/** Named values for credentials, sealed (secrets/sealing.ts). */
export const secrets = pgTable('secrets', {
  name: text('name').primaryKey(),
  sealed: bytea('sealed').notNull(),
  createdAt: moment('created_at').notNull().defaultNow(),
  updatedAt: moment('updated_at').notNull().defaultNow(),
});

/** One row: the fingerprint of the key that seals everything here (secrets/sealing-key.ts). */
export const sealingKeys = pgTable(
  'sealing_keys',
  { id: integer('id').primaryKey(), fingerprint: bytea('fingerprint').notNull() },
  (table) => [check('sealing_keys_one_row', sql`${table.id} = 1`)],
);

/** Triggers of functions, without their credentials, which are sealed beside them. */
export const triggers = pgTable(
  'triggers',
  {
    id: uuid('id').primaryKey().defaultRandom(),
    functionId: uuid('function_id')
      .notNull()
      .references(() => functions.id, { onDelete: 'cascade' }),
    spec: jsonb('spec').$type<Trigger>().notNull(),
    /** JSON of the trigger's credentials. */
    sealed: bytea('sealed'),
    createdAt: moment('created_at').notNull().defaultNow(),
  },
  (table) => [index('triggers_function_index').on(table.functionId)],
);

/**
 * Triggers that devices listened to earlier: outcomes that a device recorded may arrive long after. Without references:
 * they outlive their functions.
 */
export const formerTriggers = pgTable('former_triggers', {
  id: uuid('id').primaryKey(),
  functionId: uuid('function_id').notNull(),
  /** Names of the function at that time. */
  module: text('module').notNull(),
  name: text('name').notNull(),
  endedAt: moment('ended_at').notNull().defaultNow(),
});

/** Counts of a trigger, over all places. */
export const triggerCounts = pgTable('trigger_counts', {
  triggerId: uuid('trigger_id')
    .primaryKey()
    .references(() => triggers.id, { onDelete: 'cascade' }),
  run: version('run').notNull().default(0),
  failed: version('failed').notNull().default(0),
  /**
   * Messages and ticks that arrived, and that were dropped. For triggers on devices: those whose outcome was delivered,
   * and the invalid ones among them.
   */
  received: version('received').notNull().default(0),
  dropped: version('dropped').notNull().default(0),
  lastMessageAt: moment('last_message_at'),
  /** Last tick of a schedule that ran, or the time from which the next one counts. */
  lastTickAt: moment('last_tick_at'),
});

/** Sinks of functions, without their credentials, which are sealed beside them. */
export const sinks = pgTable(
  'sinks',
  {
    id: uuid('id').primaryKey().defaultRandom(),
    functionId: uuid('function_id')
      .notNull()
      .references(() => functions.id, { onDelete: 'cascade' }),
    spec: jsonb('spec').$type<Sink>().notNull(),
    sealed: bytea('sealed'),
    createdAt: moment('created_at').notNull().defaultNow(),
    /** Deliveries that the other side has taken. */
    delivered: version('delivered').notNull().default(0),
    lastDeliveredAt: moment('last_delivered_at'),
    /** Why the sink as a whole fails, and how often in a row. */
    error: text('error'),
    failures: integer('failures').notNull().default(0),
  },
  (table) => [index('sinks_function_index').on(table.functionId)],
);

/**
 * Stored invocations: asynchronous ones, events, and those whose outcome goes to a sink. Created where they are first
 * recorded, here or on a device, and under that id everywhere.
 */
export const invocations = pgTable(
  'invocations',
  {
    id: uuid('id').primaryKey(),
    /** In the order in which they were stored: the order in which those of one trigger run. */
    seq: bigint('seq', { mode: 'number' }).generatedAlwaysAsIdentity(),
    /** Not a reference: an invocation outlives its function. */
    functionId: uuid('function_id').notNull(),
    module: text('module').notNull(),
    name: text('name').notNull(),
    origin: text('origin').$type<InvocationOrigin>().notNull(),
    triggerId: uuid('trigger_id'),
    state: text('state').$type<InvocationState>().notNull(),
    /** Revision that ran last; 0 before any did. */
    revision: integer('revision').notNull().default(0),
    /** Name of the agent that ran it last. */
    agent: text('agent'),
    attempts: integer('attempts').notNull().default(0),
    input: bytea('input'),
    /** The request, for wasi:http functions that get the request itself. */
    http: jsonb('http').$type<RequestHead>(),
    output: bytea('output'),
    /** Why the last attempt failed. */
    errorCode: text('error_code').$type<ErrorCode>(),
    errorMessage: text('error_message'),
    /** Only this agent may run it. */
    onlyAgent: text('only_agent'),
    traceparent: text('traceparent'),
    callbackUrl: text('callback_url'),
    /** Undefined while the callback is pending, then whether it succeeded. */
    callbackDelivered: boolean('callback_delivered'),
    /** Per function and subject: another subject's equal key is another key. */
    idempotencyKey: text('idempotency_key'),
    /** SHA-256 of the request that came with the key. */
    idempotencyDigest: text('idempotency_digest'),
    /** Name of the subject that called, absent for triggers. */
    createdBy: text('created_by'),
    createdAt: moment('created_at').notNull(),
    /** Absent while it is claimed and has not begun. */
    startedAt: moment('started_at'),
    endedAt: moment('ended_at'),
    /** When it was stored, or ended, by the database's clock: devices' clocks may say anything. */
    recordedAt: moment('recorded_at').notNull().defaultNow(),
  },
  (table) => [
    uniqueIndex('invocations_seq_unique').on(table.seq),
    index('invocations_recorded_index').on(table.recordedAt),
    index('invocations_trigger_index').on(table.triggerId, table.state, table.seq),
    index('invocations_state_index').on(table.state, table.createdAt),
    index('invocations_function_index').on(table.module, table.name, table.seq),
    uniqueIndex('invocations_idempotency_unique')
      .on(table.functionId, table.createdBy, table.idempotencyKey)
      .where(sql`${table.idempotencyKey} is not null`),
  ],
);

/** Outcomes on their way to a sink; a delivered one is removed. */
export const deliveries = pgTable(
  'deliveries',
  {
    /** In the order in which the outcomes were recorded. */
    seq: bigint('seq', { mode: 'number' }).generatedAlwaysAsIdentity().primaryKey(),
    sinkId: uuid('sink_id')
      .notNull()
      .references(() => sinks.id, { onDelete: 'cascade' }),
    invocationId: uuid('invocation_id')
      .notNull()
      .references(() => invocations.id, { onDelete: 'cascade' }),
    /** A dead letter: waits for a replay. */
    dead: boolean('dead').notNull().default(false),
    attempts: integer('attempts').notNull().default(0),
    /** Not before this time. */
    nextAt: moment('next_at').notNull().defaultNow(),
    error: text('error'),
    createdAt: moment('created_at').notNull().defaultNow(),
  },
  (table) => [
    uniqueIndex('deliveries_sink_invocation_unique').on(table.sinkId, table.invocationId),
    index('deliveries_sink_index').on(table.sinkId, table.dead, table.seq),
    index('deliveries_invocation_index').on(table.invocationId),
  ],
);

/** Work that only one control plane at a time may do, its holder, and the end of the lease by the database's clock. */
export const leases = pgTable('leases', {
  name: text('name').primaryKey(),
  holder: uuid('holder').notNull(),
  until: moment('until').notNull(),
});
