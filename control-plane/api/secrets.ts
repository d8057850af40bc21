/** /v1/secrets: named values for credentials. They can be set and removed, never read. */
import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi';
import { textSchema } from '@skerry/shared/function/names.ts';
import { maxSecretCharacters, type SecretService } from '../secrets/secrets.ts';
import type { Access, AppEnv } from './http/access.ts';
import { bearer, bodyNameSchema, dataEnvelope, json, jsonBody, pathName, problems } from './http/schemas.ts';

const tags = ['secrets'];
/** A secret in the API. */
export const secretSchema = z
  .object({ name: z.string(), created_at: z.string(), updated_at: z.string() })
  .openapi('Secret', { description: 'A secret without its value' });
const params = z.object({ name: pathName('Name of the secret') });
const valueSchema = z.strictObject({ value: textSchema(maxSecretCharacters).min(1, "can't be blank") });

export function addSecretRoutes(app: OpenAPIHono<AppEnv>, access: Access, secrets: SecretService): void {
  app.openapi(
    createRoute({
      middleware: access.user,
      security: bearer,
      tags,
      method: 'get',
      path: '/v1/secrets',
      summary: 'List the names of the secrets',
      responses: { 200: json(dataEnvelope(z.array(secretSchema)), 'In order of their names'), ...problems(401, 503) },
    }),
    async (c) => {
      const data = (await secrets.list()).map(({ name, createdAt, updatedAt }) => ({
        name,
        created_at: createdAt.toISOString(),
        updated_at: updatedAt.toISOString(),
      }));
      return c.json({ data }, 200);
    },
  );

  app.openapi(
    createRoute({
      middleware: access.admin,
      security: bearer,
      tags,
      method: 'put',
      path: '/v1/secrets/{name}',
      summary: 'Set a secret',
      description: 'Triggers and sinks that use it reconnect.',
      request: { params: z.object({ name: bodyNameSchema }), body: jsonBody(valueSchema) },
      responses: { 204: { description: 'Set' }, ...problems(400, 401, 403, 409, 413, 422, 503) },
    }),
    async (c) => {
      await secrets.set(c.req.valid('param').name, c.req.valid('json').value);
      return c.body(null, 204);
    },
  );

  app.openapi(
    createRoute({
      middleware: access.admin,
      security: bearer,
      tags,
      method: 'delete',
      path: '/v1/secrets/{name}',
      summary: 'Remove an unused secret',
      request: { params },
      responses: { 204: { description: 'Removed' }, ...problems(401, 403, 404, 409, 503) },
    }),
    async (c) => {
      await secrets.remove(c.req.valid('param').name);
      return c.body(null, 204);
    },
  );
}
