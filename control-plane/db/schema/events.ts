/**
 * Tables of events and what becomes of them: triggers, kept invocations, sinks, deliveries. As with those of the
 * catalog (catalog.ts), a change here wants `npm run db:generate`.
 *
 * Invariants that the database itself keeps: an invocation is there once; an outcome is delivered to a sink once at
 * most at a time; what is on its way to a sink has its invocation.
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

/** One row: by what the key is known that everything sealed here is sealed with (secrets/sealing-key.ts). */
export const sealingKeys = pgTable(
  'sealing_keys',
  { id: integer('id').primaryKey(), fingerprint: bytea('fingerprint').notNull() },
  (table) => [check('sealing_keys_one_row', sql`${table.id} = 1`)],
);

/** What starts invocations of a function, without its credentials: those are sealed beside it. */
export const triggers = pgTable(
  'triggers',
  {
    id: uuid('id').primaryKey().defaultRandom(),
    functionId: uuid('function_id')
      .notNull()
      .references(() => functions.id, { onDelete: 'cascade' }),
    spec: jsonb('spec').$type<Trigger>().notNull(),
    /** JSON of the credentials that came with it. */
    sealed: bytea('sealed'),
    createdAt: moment('created_at').notNull().defaultNow(),
  },
  (table) => [index('triggers_function_index').on(table.functionId)],
);

/**
 * Triggers that devices listened to and do not any more: what a device kept for one may come home long after. Without
 * references: they outlive their functions.
 */
export const formerTriggers = pgTable('former_triggers', {
  id: uuid('id').primaryKey(),
  functionId: uuid('function_id').notNull(),
  /** Names of the function as it was. */
  module: text('module').notNull(),
  name: text('name').notNull(),
  endedAt: moment('ended_at').notNull().defaultNow(),
});

/** What a trigger has come to, in all places together. */
export const triggerCounts = pgTable('trigger_counts', {
  triggerId: uuid('trigger_id')
    .primaryKey()
    .references(() => triggers.id, { onDelete: 'cascade' }),
  run: version('run').notNull().default(0),
  failed: version('failed').notNull().default(0),
  /**
   * Messages and ticks that came in, and that were dropped. Of triggers that devices listen to: those whose outcome came
   * home, and of these those that were not fit to run.
   */
  received: version('received').notNull().default(0),
  dropped: version('dropped').notNull().default(0),
  lastMessageAt: moment('last_message_at'),
  /** Last tick of a schedule that ran, or the moment from which the next one counts. */
  lastTickAt: moment('last_tick_at'),
});

/** Where outcomes of a function go, without credentials: those are sealed beside it. */
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
    /** Why the sink as a whole cannot be delivered to, and how often in a row that was so. */
    error: text('error'),
    failures: integer('failures').notNull().default(0),
  },
  (table) => [index('sinks_function_index').on(table.functionId)],
);

/**
 * Invocations that are kept: asynchronous ones, those of triggers, and those whose outcome has a sink to go to. Made
 * where they are first recorded, here or on a device, and under that id everywhere.
 */
export const invocations = pgTable(
  'invocations',
  {
    id: uuid('id').primaryKey(),
    /** In the order in which they were kept: the order in which those of one trigger run. */
    seq: bigint('seq', { mode: 'number' }).generatedAlwaysAsIdentity(),
    /** Not a reference: what ran outlives its function. */
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
    /** The request, for wasi:http functions called as they are. */
    http: jsonb('http').$type<RequestHead>(),
    output: bytea('output'),
    /** Why the last attempt failed. */
    errorCode: text('error_code').$type<ErrorCode>(),
    errorMessage: text('error_message'),
    /** Only this agent may run it. */
    onlyAgent: text('only_agent'),
    traceparent: text('traceparent'),
    callbackUrl: text('callback_url'),
    /** Undefined as long as the callback is to be made, then whether it got through. */
    callbackDelivered: boolean('callback_delivered'),
    /** Of the function and the subject: another subject's same key is another one. */
    idempotencyKey: text('idempotency_key'),
    /** SHA-256 of the request that came with the key. */
    idempotencyDigest: text('idempotency_digest'),
    /** Name of the subject that asked, absent for triggers. */
    createdBy: text('created_by'),
    createdAt: moment('created_at').notNull(),
    /** Absent while it is claimed and has not begun. */
    startedAt: moment('started_at'),
    endedAt: moment('ended_at'),
    /** When it was kept, or ended, by the database's clock: devices' clocks may say anything. */
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

/** Outcomes on their way to a sink; one that was taken is removed. */
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
    /** Not before this moment. */
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

/** Work that only one control plane at a time may do, and who does it until when, by the database's clock. */
export const leases = pgTable('leases', {
  name: text('name').primaryKey(),
  holder: uuid('holder').notNull(),
  until: moment('until').notNull(),
});
