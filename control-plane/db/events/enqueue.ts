/** Inserts new invocations, to be run later. */
import { SkerryError } from '@skerry/shared/errors.ts';
import { and, eq, inArray, or, sql } from 'drizzle-orm';
import type { NewInvocation } from '../../model/invocation.ts';
import { invocations } from '../schema/events.ts';
import { pieces, rowsToInsert } from '../schema/recordset.ts';
import type { Orm } from '../store.ts';
import { toRows } from './record.ts';

type Enqueued = { readonly id: string; readonly known: boolean };
/** With the id that it gets when it is new. */
export type Requested = NewInvocation & { readonly id: string };

/**
 * Within the caller's transaction, in the given order. A row that exists already, by id or by the subject's idempotency
 * key, stays.
 * @throws SkerryError conflict when the key came earlier with another request
 */
export async function insertQueued(orm: Orm, requests: readonly Requested[]): Promise<Enqueued[]> {
  const enqueued: Enqueued[] = [];
  for (const some of pieces(requests, ({ input }) => input.byteLength)) {
    const rows = await orm.execute(sql`
      insert into ${invocations} ${rowsToInsert(columns, some.map(toRow))} on conflict do nothing returning id`);
    const fresh = new Set(toRows(rows).map(({ id }) => String(id)));
    const there =
      fresh.size === some.length
        ? []
        : await findThere(
            orm,
            some.filter(({ id }) => !fresh.has(id)),
          );
    for (const request of some) {
      // The same id twice in one call is inserted once; the second counts as known.
      if (fresh.delete(request.id)) enqueued.push({ id: request.id, known: false });
      else enqueued.push({ id: known(request, there), known: true });
    }
  }
  return enqueued;
}

type There = Pick<
  typeof invocations.$inferSelect,
  'id' | 'functionId' | 'createdBy' | 'idempotencyKey' | 'idempotencyDigest'
>;

function findThere(orm: Orm, requests: readonly Requested[]): Promise<There[]> {
  const { id, functionId, createdBy, idempotencyKey, idempotencyDigest } = invocations;
  const byKey = requests.flatMap(({ function: fn, idempotency, createdBy: by }) =>
    idempotency && by !== undefined
      ? [and(eq(functionId, fn.id), eq(createdBy, by), eq(idempotencyKey, idempotency.key))]
      : [],
  );
  return orm
    .select({ id, functionId, createdBy, idempotencyKey, idempotencyDigest })
    .from(invocations)
    .where(
      or(
        inArray(
          id,
          requests.map((request) => request.id),
        ),
        ...byKey,
      ),
    );
}

function known({ id, function: fn, idempotency, createdBy }: Requested, there: readonly There[]): string {
  const row = idempotency
    ? there.find(
        (one) => one.functionId === fn.id && one.createdBy === createdBy && one.idempotencyKey === idempotency.key,
      )
    : undefined;
  if (row && row.idempotencyDigest !== idempotency?.digest) {
    throw new SkerryError('conflict', 'this Idempotency-Key came earlier with another request');
  }
  return row?.id ?? id;
}

const columns = {
  id: 'uuid',
  function_id: 'uuid',
  module: 'text',
  name: 'text',
  origin: 'text',
  trigger_id: 'uuid',
  state: 'text',
  input: 'bytea',
  http: 'jsonb',
  only_agent: 'text',
  traceparent: 'text',
  callback_url: 'text',
  idempotency_key: 'text',
  idempotency_digest: 'text',
  created_by: 'text',
  created_at: 'timestamptz',
} as const;

function toRow(request: Requested) {
  const { function: fn, idempotency } = request;
  return {
    id: request.id,
    function_id: fn.id,
    module: fn.module,
    name: fn.name,
    origin: request.origin,
    trigger_id: request.triggerId ?? null,
    state: 'queued',
    input: request.input,
    http: request.http ?? null,
    only_agent: request.onlyAgent ?? null,
    traceparent: request.traceparent ?? null,
    callback_url: request.callbackUrl ?? null,
    idempotency_key: idempotency?.key ?? null,
    idempotency_digest: idempotency?.digest ?? null,
    created_by: request.createdBy ?? null,
    created_at: request.createdAt,
  };
}
