/** /v1/invocations: stored invocations, and the operations on them. */
import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi';
import type { InvocationRow } from '../db/events/invocation-reading.ts';
import { type InvocationState, invocationOrigins, invocationStates } from '../model/origin.ts';
import { invocationSummary, wholeDocument } from '../queue/invocation-document.ts';
import type { InvocationOperations } from '../queue/operations.ts';
import type { Access, AppEnv } from './http/access.ts';
import { fieldError } from './http/problem.ts';
import { bearer, dataEnvelope, json, problems } from './http/schemas.ts';

const summarySchema = z
  .object({
    id: z.string(),
    module: z.string(),
    function: z.string(),
    revision: z.number().openapi({ description: 'The revision that ran last; 0 before the first run' }),
    state: z.enum(invocationStates).openapi({
      description: 'dead: its attempts are used up, or its input is invalid; it can be replayed',
    }),
    origin: z.enum(invocationOrigins),
    trigger: z.string().nullable(),
    agent: z.string().nullable().openapi({ description: 'The agent that ran it last' }),
    attempts: z.number(),
    error: z
      .object({ code: z.string(), message: z.string() })
      .nullable()
      .openapi({ description: 'Why the last attempt failed, or why it waits' }),
    created_by: z.string().nullable(),
    created_at: z.string(),
    started_at: z.string().nullable(),
    ended_at: z.string().nullable(),
  })
  .openapi('InvocationSummary');

/** An invocation in the API. */
export const invocationSchema = summarySchema
  .extend({
    input: z.unknown().optional().openapi({ description: 'Absent when it is not stored' }),
    input_encoding: z.literal('base64').optional().openapi({ description: 'Present when the input is not JSON' }),
    output: z.unknown().optional().openapi({ description: 'Absent before the end, and after a failure' }),
    output_encoding: z.literal('base64').optional(),
    only_agent: z.string().nullable(),
    callback: z.object({ url: z.string(), state: z.enum(['pending', 'delivered', 'failed']) }).nullable(),
    deliveries: z
      .array(
        z.object({
          sink: z.string(),
          type: z.string(),
          state: z.enum(['pending', 'dead']),
          attempts: z.number(),
          error: z.string().nullable(),
        }),
      )
      .openapi({ description: 'Pending deliveries to sinks; finished ones are not listed' }),
  })
  .openapi('Invocation');

export const invocationPageSchema = z.object({
  invocations: z.array(summarySchema),
  next: z.string().nullable(),
});

/** Years that the database reads as they are written. */
const moments = { first: Date.parse('0001-01-01T00:00:00Z'), last: Date.parse('9999-12-31T23:59:59.999Z') };
const momentForm = 'must be a time as 2026-01-31T12:00:00Z';
const momentSchema = z.iso
  .datetime({ offset: true, error: momentForm, abort: true })
  .refine((text) => Date.parse(text) >= moments.first && Date.parse(text) <= moments.last, momentForm);
const limitRange = 'must be from 1 to 1000';
const query = z.object({
  function: z
    .string()
    .regex(/^[^/]+\/[^/]+$/, 'must be module/name')
    .optional()
    .openapi({ example: '_/hello' }),
  state: z.enum(invocationStates).optional(),
  since: momentSchema.optional().openapi({ description: 'Made at this time or later' }),
  until: momentSchema.optional().openapi({ description: 'Made before this time' }),
  limit: z
    .string()
    .regex(/^([1-9]\d{0,2}|1000)$/, limitRange)
    .default('50')
    .transform(Number)
    .openapi({ type: 'integer', minimum: 1, maximum: 1_000 }),
  cursor: z.string().optional().openapi({ description: 'The `next` of the previous page' }),
});

const one = z.object({ id: z.string() });
const receiverSchema = z
  .string()
  .refine((text) => /^https?:$/.test(URL.parse(text)?.protocol ?? ''), 'must be an http:// or https:// address')
  .openapi({ description: 'As in X-Callback-Url', example: 'https://example.org/done' });

type InvocationRoutesOptions = {
  readonly access: Access;
  readonly operations: InvocationOperations;
  /** Key that signs callbacks to an address, in the form that receivers take. */
  readonly callbackSecret: (url: URL) => string;
};

export function addInvocationRoutes(app: OpenAPIHono<AppEnv>, options: InvocationRoutesOptions): void {
  const { access, operations, callbackSecret } = options;
  const path = '/v1/invocations';
  const guarded = { middleware: access.user, security: bearer, tags: ['invocation'] };

  app.openapi(
    createRoute({
      ...guarded,
      method: 'get',
      path,
      summary: 'List stored invocations',
      description: 'Asynchronous invocations, events, and invocations whose outcome goes to a sink.',
      request: { query },
      responses: {
        200: json(
          dataEnvelope(invocationPageSchema),
          'Those stored last come first; `next` is the cursor of the next page, null on the last',
        ),
        ...problems(400, 401, 422, 503),
      },
    }),
    async (c) => {
      const asked = c.req.valid('query');
      const [module, name] = asked.function?.split('/') ?? [];
      const rows = await operations.list({
        module,
        name,
        state: asked.state satisfies InvocationState | undefined,
        since: asked.since === undefined ? undefined : new Date(asked.since),
        until: asked.until === undefined ? undefined : new Date(asked.until),
        after: asked.cursor === undefined ? undefined : placeOf(asked.cursor),
        limit: asked.limit + 1,
      });
      const page = rows.slice(0, asked.limit);
      const last = page.at(-1);
      const next = rows.length > page.length && last ? cursorOf(last) : null;
      return c.json({ data: { invocations: page.map(invocationSummary), next } }, 200);
    },
  );

  app.openapi(
    createRoute({
      ...guarded,
      method: 'get',
      path: `${path}/{id}`,
      summary: 'Show a stored invocation',
      request: { params: one },
      responses: { 200: json(dataEnvelope(invocationSchema), 'The invocation'), ...problems(401, 404, 503) },
    }),
    async (c) => {
      const { row, deliveries } = await operations.get(c.req.valid('param').id);
      return c.json({ data: wholeDocument(row, deliveries) }, 200);
    },
  );

  app.openapi(
    createRoute({
      ...guarded,
      method: 'delete',
      path: `${path}/{id}`,
      summary: 'Cancel an invocation',
      description:
        'A waiting invocation ends at once. A running one ends as well; its agent gets a cancel, and may still be at it.',
      request: { params: one },
      responses: { 204: { description: 'Cancelled' }, ...problems(401, 404, 409, 503) },
    }),
    async (c) => {
      await operations.cancel(c.req.valid('param').id);
      return c.body(null, 204);
    },
  );

  app.openapi(
    createRoute({
      ...guarded,
      method: 'post',
      path: `${path}/{id}/replay`,
      summary: 'Run a dead or cancelled invocation again',
      description: 'Under the same id, with all its attempts.',
      request: { params: one },
      responses: {
        202: json(dataEnvelope(z.object({ id: z.string() })), 'It waits for its turn'),
        ...problems(401, 404, 409, 503),
      },
    }),
    async (c) => {
      const { id } = c.req.valid('param');
      await operations.replay(id);
      return c.json({ data: { id } }, 202, { location: `${path}/${id}` });
    },
  );

  app.openapi(
    createRoute({
      ...guarded,
      middleware: access.admin,
      method: 'get',
      path: '/v1/callback-key',
      summary: 'Show the key that signs callbacks to a receiver',
      description:
        'Each receiver (scheme, host and port) has its own key, so that none can forge callbacks to another.',
      request: { query: z.object({ url: receiverSchema }) },
      responses: {
        200: json(dataEnvelope(z.object({ key: z.string() })), 'As whsec_…'),
        ...problems(400, 401, 403, 422),
      },
    }),
    (c) => c.json({ data: { key: callbackSecret(new URL(c.req.valid('query').url)) } }, 200),
  );
}

/** Where a page ends; opaque to clients. */
function cursorOf({ seq }: InvocationRow): string {
  return Buffer.from(String(seq)).toString('base64url');
}

/** @throws SkerryError validation_failed */
function placeOf(cursor: string): number {
  const place = Buffer.from(cursor, 'base64url').toString();
  if (!/^\d{1,15}$/.test(place)) throw fieldError('cursor', 'must be the "next" of a page');
  return Number(place);
}
