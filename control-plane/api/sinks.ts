/**
 * /v1/sinks: the state of deliveries, and dead letters. Sinks themselves are created at their functions
 * (api/functions/sinks.ts).
 */
import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi';
import { SkerryError } from '@skerry/shared/errors.ts';
import type { FullCatalog } from '../catalog/catalog.ts';
import type { DeadLetter } from '../db/events/deliveries.ts';
import { describeAddress, judgeHealth, type SinkService, type SinkState } from '../sinks/sinks.ts';
import type { Access, AppEnv } from './http/access.ts';
import { bearer, dataEnvelope, json, pathName, problems } from './http/schemas.ts';

export const sinkStateSchema = z
  .object({
    id: z.string(),
    module: z.string(),
    function: z.string(),
    type: z.enum(['couchdb', 'http', 'mqtt']),
    url: z.string().openapi({ description: 'Where it leads to, without credentials' }),
    state: z.enum(['ok', 'full', 'failing', 'idle']),
    waiting: z.number(),
    dead: z.number().openapi({ description: 'Dead letters' }),
    delivered: z.number(),
    lag_seconds: z.number().openapi({ description: 'Age of the oldest pending outcome' }),
    last_delivered_at: z.string().nullable(),
    error: z.string().nullable().openapi({ description: 'Why deliveries fail' }),
    next_try_at: z.string().nullable().openapi({ description: 'Null where another control plane delivers' }),
  })
  .openapi('SinkState');

export const deadLetterSchema = z
  .object({
    invocation: z.string(),
    error: z.string().nullable(),
    attempts: z.number(),
    created_at: z.string(),
  })
  .openapi('DeadLetter');

const deadSchema = z.object({ dead: z.array(deadLetterSchema), cursor: z.string().nullable() });
const params = z.object({ sink: pathName('Id of the sink') });
const tags = ['sinks'];
const maxPage = 1_000;

type SinkRoutesOptions = {
  readonly access: Access;
  readonly catalog: Pick<FullCatalog, 'find'>;
  readonly sinks: SinkService;
};

export function addSinkRoutes(app: OpenAPIHono<AppEnv>, { access, catalog, sinks }: SinkRoutesOptions): void {
  const guarded = { security: bearer, tags };

  app.openapi(
    createRoute({
      ...guarded,
      middleware: access.user,
      method: 'get',
      path: '/v1/sinks',
      summary: 'List sinks with the state of their deliveries',
      request: {
        query: z.object({
          function: z.string().optional().openapi({ description: 'module/name', example: '_/hello' }),
        }),
      },
      responses: { 200: json(dataEnvelope(z.array(sinkStateSchema)), 'All, by function'), ...problems(401, 404, 503) },
    }),
    async (c) => {
      const named = c.req.valid('query').function;
      return c.json({ data: (await sinks.list(functionNamed(catalog, named))).map(shown) }, 200);
    },
  );

  app.openapi(
    createRoute({
      ...guarded,
      middleware: access.user,
      method: 'get',
      path: '/v1/sinks/{sink}/dead',
      summary: 'List the dead letters of a sink, oldest first',
      request: {
        params,
        query: z.object({
          limit: z.coerce.number().int().min(1).max(maxPage).default(100),
          cursor: z.coerce.number().int().min(0).max(Number.MAX_SAFE_INTEGER).default(0),
        }),
      },
      responses: {
        200: json(dataEnvelope(deadSchema), 'A page; `cursor` is null on the last'),
        ...problems(400, 401, 404, 503),
      },
    }),
    async (c) => {
      const { limit, cursor } = c.req.valid('query');
      const { letters, next } = await sinks.dead(c.req.valid('param').sink, cursor, limit);
      return c.json({ data: { dead: letters.map(letter), cursor: next === undefined ? null : String(next) } }, 200);
    },
  );

  app.openapi(
    createRoute({
      ...guarded,
      middleware: access.user,
      method: 'post',
      path: '/v1/sinks/{sink}/replay',
      summary: 'Deliver dead letters again, in their old positions and with all their attempts',
      request: {
        params,
        body: {
          content: {
            'application/json': {
              schema: z.object({ invocations: z.array(z.string()).min(1).max(maxPage).optional() }),
            },
          },
        },
      },
      responses: {
        200: json(dataEnvelope(z.object({ replayed: z.number() })), 'The number of replayed deliveries'),
        ...problems(400, 401, 404, 503),
      },
    }),
    async (c) => {
      const { invocations } = c.req.valid('json');
      return c.json({ data: { replayed: await sinks.replay(c.req.valid('param').sink, invocations) } }, 200);
    },
  );
}

function functionNamed(catalog: Pick<FullCatalog, 'find'>, named: string | undefined) {
  if (named === undefined) return undefined;
  const [module = '', name = '', ...more] = named.split('/');
  const fn = more.length === 0 ? catalog.find(module, name) : undefined;
  if (!fn) throw new SkerryError('not_found', `There is no function "${named}"; it is given as module/name`);
  return fn;
}

function shown(sink: SinkState): z.infer<typeof sinkStateSchema> {
  return {
    id: sink.id,
    module: sink.fn.module,
    function: sink.fn.name,
    type: sink.spec.type,
    url: describeAddress(sink.spec),
    state: judgeHealth(sink),
    waiting: sink.waiting,
    dead: sink.dead,
    delivered: sink.delivered,
    lag_seconds: Math.round(sink.lagSeconds * 10) / 10,
    last_delivered_at: sink.lastDeliveredAt?.toISOString() ?? null,
    error: sink.error,
    next_try_at: sink.nextTryAt?.toISOString() ?? null,
  };
}

function letter({ invocationId, error, attempts, createdAt }: DeadLetter): z.infer<typeof deadLetterSchema> {
  return { invocation: invocationId, error, attempts, created_at: createdAt.toISOString() };
}
