/** /v1/fn and /v1/fn/{module}: modules. */
import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi';
import { SkerryError } from '@skerry/shared/errors.ts';
import { defaultModule } from '@skerry/shared/function/names.ts';
import type { FullCatalog } from '../catalog/catalog.ts';
import type { ModuleService } from '../functions/modules.ts';
import type { Access, AppEnv } from './http/access.ts';
import { problemBody } from './http/problem.ts';
import { bearer, blankNameSchema, dataEnvelope, json, jsonBody, pathName, problems } from './http/schemas.ts';

const moduleSchema = z.object({ name: z.string() }).openapi('Module');
const moduleBody = jsonBody(z.object({ module: z.object({ name: blankNameSchema }) }));
const params = z.object({ module: pathName('Name of the module') });
const tags = ['modules'];

type ModuleRoutesOptions = {
  readonly access: Access;
  readonly catalog: Pick<FullCatalog, 'modules' | 'hasModule' | 'functionsIn'>;
  readonly modules: ModuleService;
};

export function addModuleRoutes(app: OpenAPIHono<AppEnv>, { access, catalog, modules }: ModuleRoutesOptions): void {
  const guarded = { middleware: access.user, security: bearer, tags };

  app.openapi(
    createRoute({
      ...guarded,
      method: 'get',
      path: '/v1/fn',
      summary: 'List modules',
      responses: { 200: json(dataEnvelope(z.array(moduleSchema)), 'All modules, by name'), ...problems(401) },
    }),
    (c) => c.json({ data: catalog.modules().map((name) => ({ name })) }, 200),
  );

  app.openapi(
    createRoute({
      ...guarded,
      method: 'post',
      path: '/v1/fn',
      summary: 'Create a module',
      request: { body: moduleBody },
      responses: { 201: json(dataEnvelope(moduleSchema), 'Created'), ...problems(400, 401, 422, 503) },
    }),
    async (c) => {
      const { name } = c.req.valid('json').module;
      await modules.create(name);
      return c.json({ data: { name } }, 201);
    },
  );

  app.openapi(
    createRoute({
      ...guarded,
      method: 'get',
      path: '/v1/fn/{module}',
      summary: 'Show a module and its functions',
      request: { params },
      responses: {
        200: json(
          dataEnvelope(moduleSchema.extend({ functions: z.array(z.object({ name: z.string() })) })),
          'The module',
        ),
        ...problems(401, 404),
      },
    }),
    (c) => {
      const name = c.req.valid('param').module;
      if (!catalog.hasModule(name)) throw new SkerryError('not_found', `There is no module "${name}"`);
      return c.json({ data: { name, functions: catalog.functionsIn(name).map((fn) => ({ name: fn.name })) } }, 200);
    },
  );

  app.openapi(
    createRoute({
      ...guarded,
      method: 'put',
      path: '/v1/fn/{module}',
      summary: 'Rename a module',
      request: { params, body: moduleBody },
      responses: { 200: json(dataEnvelope(moduleSchema), 'Renamed'), ...problems(400, 401, 404, 422, 503) },
    }),
    async (c) => {
      const { name } = c.req.valid('json').module;
      await modules.rename(c.req.valid('param').module, name);
      return c.json({ data: { name } }, 200);
    },
  );

  app.openapi(
    createRoute({
      ...guarded,
      method: 'delete',
      path: '/v1/fn/{module}',
      summary: 'Delete a module with all its functions',
      request: { params },
      responses: { 204: { description: 'Deleted' }, ...problems(400, 401, 404, 503) },
    }),
    async (c) => {
      const name = c.req.valid('param').module;
      if (name === defaultModule) {
        const refusal = new SkerryError('bad_request', 'The default module cannot be deleted');
        // FunLess has a shape of its own for this one answer; its clients find it beside the usual one.
        return c.json({ error: refusal.message, ...problemBody(refusal) }, 400);
      }
      await modules.remove(name);
      return c.body(null, 204);
    },
  );
}
