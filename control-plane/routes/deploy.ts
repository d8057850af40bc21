/** POST /v1/fn/{module} and PUT /v1/fn/{module}/{function}: multipart uploads, read by hand because of their size. */
import type { OpenAPIHono, z } from '@hono/zod-openapi';
import { SkerryError } from '@skerry/shared/errors.ts';
import { manifestSchema } from '@skerry/shared/manifest.ts';
import type { Context } from 'hono';
import { withMetadata } from '../function-metadata.ts';
import type { Deployed, FunctionService } from '../functions.ts';
import type { Hub } from '../tunnel/hub.ts';
import type { Access, AppEnv } from './access.ts';
import { readBody } from './body.ts';
import { deployedSchema, uploadSchema } from './function-schemas.ts';
import { bearer, dataOf, json, problems } from './schemas.ts';
import { type ConnectorResult, type FunctionUpload, readUpload } from './upload.ts';

export type DeployRoutesOptions = {
  readonly access: Access;
  readonly functions: FunctionService;
  readonly hub: Pick<Hub, 'rollout'>;
  readonly maxUploadBytes: number;
  readonly waitForWorkersMs: number;
};

export function addDeployRoutes(app: OpenAPIHono<AppEnv>, options: DeployRoutesOptions): void {
  const { access, functions, hub } = options;

  const upload = async (c: Context<AppEnv>) => {
    const { incoming } = c.env;
    return readUpload(await readBody(incoming, options.maxUploadBytes), incoming.headers['content-type']);
  };
  const answer = async (c: Context<AppEnv>, deployed: Deployed, form: FunctionUpload, status: 200 | 201) => {
    const data = await rolledOut(hub, deployed, form.waitMs ?? options.waitForWorkersMs);
    const connectors = [...form.events, ...form.sinks];
    return c.json(
      { data: { ...data, ...connected('events', form.events), ...connected('sinks', form.sinks) } },
      connectors.length > 0 ? 207 : status,
    );
  };

  app.on('POST', ['/v1/fn/:module'], ...access.upload, async (c) => {
    const form = await upload(c);
    const { name, code } = form;
    if (name === undefined || code === undefined) throw new SkerryError('bad_request', 'name and code are needed');
    const deployed = await functions.create({
      module: c.req.param('module') ?? '',
      name,
      code,
      manifest: withMetadata(form.manifest ?? manifestSchema.parse(undefined), form.metadata),
      createdBy: c.get('subject').name,
    });
    return answer(c, deployed, form, 201);
  });

  app.on('PUT', ['/v1/fn/:module/:function'], ...access.upload, async (c) => {
    const form = await upload(c);
    const { name, code, manifest } = form;
    if (name === undefined || (code === undefined && manifest === undefined)) {
      throw new SkerryError('bad_request', 'name and code are needed; code may be left out beside a manifest');
    }
    const deployed = await functions.update({
      module: c.req.param('module') ?? '',
      name: c.req.param('function') ?? '',
      newName: name,
      code,
      manifest: (current) => withMetadata(manifest ?? current, form.metadata),
      createdBy: c.get('subject').name,
    });
    return answer(c, deployed, form, 200);
  });

  const documented = {
    security: bearer,
    tags: ['functions'],
    request: { body: { required: true, content: { 'multipart/form-data': { schema: uploadSchema } } } },
  };
  const partial = json(dataOf(deployedSchema), 'Done, but some events or sinks are not connected');
  app.openAPIRegistry.registerPath({
    ...documented,
    method: 'post',
    path: '/v1/fn/{module}',
    summary: 'Create a function',
    parameters: [pathParameter('module')],
    responses: {
      201: json(dataOf(deployedSchema), 'Created'),
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
      'Without a manifest the one in force stays; code may be left out beside a manifest. ' +
      'When neither code nor manifest changes, no revision is made.',
    parameters: [pathParameter('module'), pathParameter('function')],
    responses: {
      200: json(dataOf(deployedSchema), 'Updated'),
      207: partial,
      ...problems(400, 401, 404, 409, 413, 422, 503),
    },
  });
}

export function pathParameter(name: string) {
  return { name, in: 'path' as const, required: true, schema: { type: 'string' as const } };
}

/** What a change has come to, after the agents concerned have applied it or the wait is over. */
export async function rolledOut(
  hub: Pick<Hub, 'rollout'>,
  deployed: Deployed,
  waitMs: number,
): Promise<z.infer<typeof deployedSchema>> {
  const { agents, applied, failed } = await hub.rollout(deployed.id, deployed.version, waitMs);
  const { name, module, revision, digest, bundleDigest, world, size, imports } = deployed;
  return {
    name,
    module,
    revision,
    digest,
    bundle_digest: bundleDigest,
    world,
    size,
    imports: [...imports],
    agents: { total: agents, applied, failed },
  };
}

function connected(field: 'events' | 'sinks', results: readonly ConnectorResult[]) {
  if (results.length === 0) return {};
  const counts = { successful: 0, failed: results.length, total: results.length };
  return { [field]: results, [`${field}_metadata`]: counts };
}
