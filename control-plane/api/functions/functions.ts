/** Routes that read, list, roll back and delete functions, and download their code. */
import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi';
import { SkerryError } from '@skerry/shared/errors.ts';
import type { FullCatalog } from '../../catalog/catalog.ts';
import type { FunctionService } from '../../functions/functions.ts';
import { listPermissions } from '../../functions/permissions.ts';
import type { RevisionService } from '../../functions/revisions.ts';
import type { CatalogFunction } from '../../model/catalog-function.ts';
import type { FunctionAgent } from '../../tunnel/function-agents.ts';
import type { Hub } from '../../tunnel/hub.ts';
import type { Access, AppEnv } from '../http/access.ts';
import { bearer, dataEnvelope, json, jsonBody, pathName, problems } from '../http/schemas.ts';
import { rolledOut } from './deploy.ts';
import { deployedSchema, functionSchema, functionSummarySchema, revisionSchema } from './schemas.ts';

type FunctionRoutesOptions = {
  readonly access: Access;
  readonly catalog: Pick<FullCatalog, 'find' | 'facts' | 'functions'>;
  readonly functions: FunctionService;
  readonly revisions: RevisionService;
  readonly functionAgents: (fn: CatalogFunction) => Promise<readonly FunctionAgent[]>;
  readonly hub: Pick<Hub, 'rollout'>;
  readonly waitForWorkersMs: number;
};

const params = z.object({ module: pathName('Name of the module'), function: pathName('Name of the function') });
/** Revisions are numbered in a column of four bytes. */
const maxRevision = 2 ** 31 - 1;
const revisionRange = `must be from 1 to ${maxRevision}`;
const revisionNumber = z.int().min(1, revisionRange).max(maxRevision, revisionRange);
const revisionText = z.coerce.number().pipe(revisionNumber);

export function addFunctionRoutes(app: OpenAPIHono<AppEnv>, options: FunctionRoutesOptions): void {
  const { access, catalog, functions, revisions, functionAgents: holders, hub } = options;
  const guarded = { middleware: access.user, security: bearer, tags: ['functions'] };

  app.openapi(
    createRoute({
      ...guarded,
      method: 'get',
      path: '/v1/functions',
      summary: 'List the functions of all modules',
      responses: { 200: json(dataEnvelope(z.array(functionSummarySchema)), 'By module and name'), ...problems(401) },
    }),
    (c) => c.json({ data: [...catalog.functions()].map((fn) => summary(fn, catalog)) }, 200),
  );

  app.openapi(
    createRoute({
      ...guarded,
      method: 'get',
      path: '/v1/fn/{module}/{function}',
      summary: 'Show a function and the agents that hold it',
      request: { params },
      responses: { 200: json(dataEnvelope(functionSchema), 'The function'), ...problems(401, 404) },
    }),
    async (c) => {
      const path = c.req.valid('param');
      const fn = catalog.find(path.module, path.function);
      const facts = fn && catalog.facts(fn.id);
      if (!facts) throw new SkerryError('not_found', `There is no function "${path.function}" in "${path.module}"`);
      const data = {
        ...summary(fn, catalog),
        bundle_digest: fn.bundle,
        size: facts.size,
        imports: [...facts.imports],
        permissions: shownPermissions(fn, facts.imports),
        manifest: fn.manifest,
        created_at: facts.createdAt.toISOString(),
        created_by: facts.createdBy,
        agents: (await holders(fn)).map(holderAnswer),
      };
      return c.json({ data }, 200);
    },
  );

  app.openapi(
    createRoute({
      ...guarded,
      method: 'delete',
      path: '/v1/fn/{module}/{function}',
      summary: 'Delete a function',
      request: { params },
      responses: { 204: { description: 'Deleted' }, ...problems(401, 404, 503) },
    }),
    async (c) => {
      const path = c.req.valid('param');
      await functions.remove(path.module, path.function);
      return c.body(null, 204);
    },
  );

  app.openapi(
    createRoute({
      ...guarded,
      method: 'get',
      path: '/v1/fn/{module}/{function}/revisions',
      summary: 'List revisions',
      request: { params },
      responses: { 200: json(dataEnvelope(z.array(revisionSchema)), 'Newest first'), ...problems(401, 404, 503) },
    }),
    async (c) => {
      const path = c.req.valid('param');
      const { current, revisions: rows } = await revisions.list(path.module, path.function);
      const data = rows.map((row) => ({
        revision: row.number,
        current: row.number === current,
        digest: row.component,
        bundle_digest: row.bundle,
        world: row.world,
        size: row.size,
        imports: row.imports,
        manifest: row.manifest,
        created_at: row.createdAt.toISOString(),
        created_by: row.createdBy,
      }));
      return c.json({ data }, 200);
    },
  );

  app.openapi(
    createRoute({
      ...guarded,
      method: 'post',
      path: '/v1/fn/{module}/{function}/rollback',
      summary: 'Make an older revision the current one again',
      request: { params, body: jsonBody(z.strictObject({ revision: revisionNumber })) },
      responses: { 200: json(dataEnvelope(deployedSchema), 'Rolled back'), ...problems(400, 401, 404, 422, 503) },
    }),
    async (c) => {
      const path = c.req.valid('param');
      const deployed = await functions.rollback(path.module, path.function, c.req.valid('json').revision);
      return c.json({ data: await rolledOut(hub, deployed, options.waitForWorkersMs) }, 200);
    },
  );

  app.openapi(
    createRoute({
      ...guarded,
      middleware: access.download,
      method: 'get',
      path: '/v1/fn/{module}/{function}/code',
      summary: 'Download the component as it was uploaded',
      request: { params, query: z.object({ revision: revisionText.optional() }) },
      responses: {
        200: { description: 'The component', content: { 'application/wasm': { schema: { type: 'string' } } } },
        ...problems(400, 401, 404, 406, 422, 503),
      },
    }),
    async (c) => {
      const path = c.req.valid('param');
      const { digest, bytes } = await revisions.code(path.module, path.function, c.req.valid('query').revision);
      return c.body(new Uint8Array(bytes), 200, { 'content-type': 'application/wasm', etag: `"${digest}"` });
    },
  );
}

function shownPermissions(fn: CatalogFunction, imports: readonly string[]) {
  const { asks, granted, ungranted, unused } = listPermissions(imports, fn.manifest);
  return { asks: [...asks], granted: [...granted], ungranted: [...ungranted], unused: [...unused] };
}

function summary(fn: CatalogFunction, catalog: Pick<FullCatalog, 'facts'>): z.infer<typeof functionSummarySchema> {
  const { name, module, revision, world } = fn;
  return { name, module, revision, digest: catalog.facts(fn.id)?.digest ?? '', world };
}

function holderAnswer({ retryInMs, ...holder }: FunctionAgent) {
  return { ...holder, ...(retryInMs !== undefined && { retry_in_ms: retryInMs }) };
}
