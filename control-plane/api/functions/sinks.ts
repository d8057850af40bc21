/** /v1/fn/{module}/{function}/sinks: the sinks of a function. Their deliveries are in api/sinks.ts. */
import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi';
import { type Sink, sinkSchema } from '@skerry/shared/function/sinks.ts';
import type { BindingService } from '../../bindings/bindings.ts';
import type { FullCatalog } from '../../catalog/catalog.ts';
import type { Binding } from '../../model/catalog-function.ts';
import type { Access, AppEnv } from '../http/access.ts';
import { bearer, dataEnvelope, json, jsonBody, problems } from '../http/schemas.ts';
import { needFunction } from '../invoke/handler.ts';
import { bindingPath, needBinding, onePath, shownParams } from './binding.ts';

/** A sink in the API. */
export const shownSinkSchema = z
  .object({
    id: z.string(),
    type: z.enum(['couchdb', 'http', 'mqtt']),
    params: z.record(z.string(), z.unknown()).openapi({
      description: 'Without credentials; `credentials` says whether there are any',
    }),
    created_at: z.string(),
  })
  .openapi('FunctionSink');

type FunctionSinkRoutesOptions = {
  readonly access: Access;
  readonly catalog: Pick<FullCatalog, 'find'>;
  readonly sinks: BindingService<Sink>;
};

export function addFunctionSinkRoutes(app: OpenAPIHono<AppEnv>, options: FunctionSinkRoutesOptions): void {
  const { access, catalog, sinks } = options;
  const path = '/v1/fn/{module}/{function}/sinks';
  const guarded = { middleware: access.user, security: bearer, tags: ['sinks'] };

  app.openapi(
    createRoute({
      ...guarded,
      method: 'get',
      path,
      summary: 'List the sinks of a function',
      request: { params: bindingPath },
      responses: { 200: json(dataEnvelope(z.array(shownSinkSchema)), 'Oldest first'), ...problems(401, 404) },
    }),
    (c) => {
      const at = c.req.valid('param');
      return c.json({ data: needFunction(catalog, at.module, at.function).sinks.map(shown) }, 200);
    },
  );

  app.openapi(
    createRoute({
      ...guarded,
      method: 'post',
      path,
      summary: 'Create a sink',
      description: 'Outcomes from now on go to it.',
      request: { params: bindingPath, body: jsonBody(sinkSchema) },
      responses: {
        201: json(dataEnvelope(shownSinkSchema), 'Created'),
        ...problems(400, 401, 403, 404, 409, 413, 422, 503),
      },
    }),
    async (c) => {
      const at = c.req.valid('param');
      const fn = needFunction(catalog, at.module, at.function);
      const created = await sinks.create(fn, c.req.valid('json'), c.get('subject'));
      return c.json({ data: shown(created) }, 201);
    },
  );

  app.openapi(
    createRoute({
      ...guarded,
      method: 'get',
      path: `${path}/{id}`,
      summary: 'Show a sink',
      request: { params: onePath },
      responses: { 200: json(dataEnvelope(shownSinkSchema), 'The sink'), ...problems(401, 404) },
    }),
    (c) => {
      const at = c.req.valid('param');
      const fn = needFunction(catalog, at.module, at.function);
      return c.json({ data: shown(needBinding('sink', fn.sinks, at.id)) }, 200);
    },
  );

  app.openapi(
    createRoute({
      ...guarded,
      method: 'put',
      path: `${path}/{id}`,
      summary: 'Replace a sink',
      description:
        'All of it: absent parameters take their defaults, and credentials must be given again. ' +
        'Its pending deliveries go to the new address.',
      request: { params: onePath, body: jsonBody(sinkSchema) },
      responses: {
        200: json(dataEnvelope(shownSinkSchema), 'Replaced'),
        ...problems(400, 401, 403, 404, 409, 413, 422, 503),
      },
    }),
    async (c) => {
      const at = c.req.valid('param');
      const fn = needFunction(catalog, at.module, at.function);
      return c.json({ data: shown(await sinks.update(fn, at.id, c.req.valid('json'), c.get('subject'))) }, 200);
    },
  );

  app.openapi(
    createRoute({
      ...guarded,
      method: 'delete',
      path: `${path}/{id}`,
      summary: 'Remove a sink and its pending deliveries',
      request: { params: onePath },
      responses: { 204: { description: 'Removed' }, ...problems(401, 404, 503) },
    }),
    async (c) => {
      const at = c.req.valid('param');
      await sinks.remove(needFunction(catalog, at.module, at.function), at.id);
      return c.body(null, 204);
    },
  );
}

function shown(sink: Binding<Sink>): z.infer<typeof shownSinkSchema> {
  return { id: sink.id, type: sink.spec.type, params: shownParams(sink), created_at: sink.createdAt.toISOString() };
}
