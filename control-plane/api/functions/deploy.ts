/** POST /v1/fn/{module} and PUT /v1/fn/{module}/{function}: multipart uploads, read by hand because of their size. */
import type { OpenAPIHono, z } from '@hono/zod-openapi';
import { SkerryError } from '@skerry/shared/errors.ts';
import { manifestSchema } from '@skerry/shared/function/manifest.ts';
import type { Context } from 'hono';
import type { FullCatalog } from '../../catalog/catalog.ts';
import type { Deployed, FunctionService } from '../../functions/functions.ts';
import { withMetadata } from '../../functions/metadata.ts';
import type { Hub } from '../../tunnel/hub.ts';
import type { Access, AppEnv } from '../http/access.ts';
import { readBody } from '../http/body.ts';
import { bearer, dataEnvelope, json, pathParameter, problems } from '../http/schemas.ts';
import { needFunction } from '../invoke/handler.ts';
import { type BindingResult, createDeployBindings, type DeployBindingsOptions } from './bindings-in-deploy.ts';
import { deployedSchema, uploadSchema } from './schemas.ts';
import { type FunctionUpload, readUpload } from './upload.ts';
import { createUploadBudget } from './upload-budget.ts';

type DeployRoutesOptions = {
  readonly access: Access;
  readonly catalog: Pick<FullCatalog, 'hasModule' | 'find' | 'byId'>;
  readonly functions: FunctionService;
  readonly hub: Pick<Hub, 'rollout'>;
  readonly maxUploadBytes: number;
  readonly waitForWorkersMs: number;
} & Omit<DeployBindingsOptions, 'catalog'>;

/** At most this number of uploads of the largest size is in memory at once, and more of smaller ones. */
const largestAtOnce = 4;

export function addDeployRoutes(app: OpenAPIHono<AppEnv>, options: DeployRoutesOptions): void {
  const { access, catalog, functions, hub } = options;

  const connect = createDeployBindings(options);
  const budget = createUploadBudget(options.maxUploadBytes, largestAtOnce);

  /** Reads the form and applies it. Its bytes count as in memory until then. */
  const carryOut = async (c: Context<AppEnv>, isNew: boolean, work: (form: FunctionUpload) => Promise<Deployed>) => {
    const { incoming } = c.env;
    const { 'content-length': length, 'content-type': type } = incoming.headers;
    const release = budget.take(length === undefined ? undefined : Number(length));
    try {
      const form = await readUpload(await readBody(incoming, options.maxUploadBytes), type);
      const deployed = await work(form);
      return {
        deployed,
        waitMs: form.waitMs,
        connected: await connect(deployed.id, form, { by: c.get('subject'), isNew }),
      };
    } finally {
      release();
    }
  };
  const answer = async (
    c: Context<AppEnv>,
    { deployed, waitMs, connected: { events, sinks } }: Awaited<ReturnType<typeof carryOut>>,
    status: 200 | 201,
  ) => {
    const data = await rolledOut(hub, deployed, waitMs ?? options.waitForWorkersMs);
    const failed = [...(events ?? []), ...(sinks ?? [])].some((result) => result.status === 'error');
    return c.json({ data: { ...data, ...told('events', events), ...told('sinks', sinks) } }, failed ? 207 : status);
  };

  app.on('POST', ['/v1/fn/:module'], ...access.upload, async (c) => {
    const module = c.req.param('module') ?? '';
    if (!catalog.hasModule(module)) throw new SkerryError('not_found', `There is no module "${module}"`);
    const done = await carryOut(c, true, ({ name, code, manifest, metadata }) => {
      if (name === undefined || code === undefined) throw new SkerryError('bad_request', 'name and code are needed');
      return functions.create({
        module,
        name,
        code,
        manifest: withMetadata(manifest ?? manifestSchema.parse(undefined), metadata),
        createdBy: c.get('subject').name,
      });
    });
    return answer(c, done, 201);
  });

  app.on('PUT', ['/v1/fn/:module/:function'], ...access.upload, async (c) => {
    const fn = needFunction(catalog, c.req.param('module'), c.req.param('function'));
    const done = await carryOut(c, false, ({ name, code, manifest, metadata }) => {
      if (name === undefined || (code === undefined && manifest === undefined)) {
        throw new SkerryError('bad_request', 'name and code are needed; code may be left out beside a manifest');
      }
      return functions.update({
        module: fn.module,
        name: fn.name,
        newName: name,
        code,
        manifest: (current) => withMetadata(manifest ?? current, metadata),
        createdBy: c.get('subject').name,
      });
    });
    return answer(c, done, 200);
  });

  const documented = {
    security: bearer,
    tags: ['functions'],
    request: { body: { required: true, content: { 'multipart/form-data': { schema: uploadSchema } } } },
  };
  const partial = json(dataEnvelope(deployedSchema), 'Done, but some events or sinks are not connected');
  app.openAPIRegistry.registerPath({
    ...documented,
    method: 'post',
    path: '/v1/fn/{module}',
    summary: 'Create a function',
    parameters: [pathParameter('module')],
    responses: {
      201: json(dataEnvelope(deployedSchema), 'Created'),
      207: partial,
      ...problems(400, 401, 404, 409, 413, 422, 503),
    },
  });
  app.openAPIRegistry.registerPath({
    ...documented,
    method: 'put',
    path: '/v1/fn/{module}/{function}',
    summary: 'Update a function',
    description:
      'Without a manifest the current one stays; code may be left out beside a manifest. ' +
      'When neither code nor manifest changes, no revision is made.',
    parameters: [pathParameter('module'), pathParameter('function')],
    responses: {
      200: json(dataEnvelope(deployedSchema), 'Updated'),
      207: partial,
      ...problems(400, 401, 404, 409, 413, 422, 503),
    },
  });
}

/** The state of a change after the agents concerned have applied it, or the wait is over. */
export async function rolledOut(
  hub: Pick<Hub, 'rollout'>,
  deployed: Deployed,
  waitMs: number,
): Promise<z.infer<typeof deployedSchema>> {
  const { agents, applied, failed } = await hub.rollout(deployed.id, deployed.version, waitMs);
  const { name, module, revision, digest, bundleDigest, world, size, imports, permissions } = deployed;
  return {
    name,
    module,
    revision,
    digest,
    bundle_digest: bundleDigest,
    world,
    size,
    imports: [...imports],
    permissions: { added: [...permissions.added], removed: [...permissions.removed] },
    agents: { total: agents, applied, failed },
  };
}

/** FunLess leaves an empty list out. */
function told(field: 'events' | 'sinks', results: BindingResult[] = []) {
  if (results.length === 0) return {};
  const successful = results.filter(({ status }) => status === 'success').length;
  const counts = { successful, failed: results.length - successful, total: results.length };
  return { [field]: results, [`${field}_metadata`]: counts };
}
