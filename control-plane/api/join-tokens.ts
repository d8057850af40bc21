/** /v1/agents/tokens: join tokens. */
import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi';
import { labelsSchema } from '@skerry/shared/function/names.ts';
import type { JoinToken, JoinTokenService } from '../agents/join-tokens.ts';
import type { Access, AppEnv } from './http/access.ts';
import { agentLabelsSchema, bearer, dataEnvelope, json, jsonBody, pathName, problems } from './http/schemas.ts';

const joinTokenSchema = z
  .object({
    id: z.string(),
    uses_left: z.number(),
    uses: z.number(),
    labels: agentLabelsSchema,
    created_at: z.string(),
    created_by: z.string(),
    expires_at: z.string(),
  })
  .openapi('JoinToken');

const usesRange = 'must be from 1 to 100000';
const maxDays = 30;
const expiryRange = `must be from 1 to ${maxDays * 86_400} (${maxDays} days)`;

const requestSchema = z.strictObject({
  uses: z
    .int()
    .min(1, usesRange)
    .max(100_000, usesRange)
    .default(1)
    .openapi({ description: 'Agents that it may enrol' }),
  expires_in_seconds: z
    .int()
    .min(1, expiryRange)
    .max(maxDays * 86_400, expiryRange)
    .default(3_600),
  labels: labelsSchema.default({}).openapi({ description: 'Labels that these agents get in addition to their own' }),
});

const tags = ['agents'];

export function addJoinTokenRoutes(app: OpenAPIHono<AppEnv>, access: Access, joinTokens: JoinTokenService): void {
  const guarded = { middleware: access.admin, security: bearer, tags };

  app.openapi(
    createRoute({
      ...guarded,
      method: 'post',
      path: '/v1/agents/tokens',
      summary: 'Create a join token and show it, once',
      request: { body: jsonBody(requestSchema) },
      responses: {
        201: json(dataEnvelope(joinTokenSchema.extend({ token: z.string() })), 'Created'),
        ...problems(400, 401, 403, 422, 503),
      },
    }),
    async (c) => {
      const { uses, expires_in_seconds, labels } = c.req.valid('json');
      const created = await joinTokens.create({
        uses,
        expiresInSeconds: expires_in_seconds,
        labels,
        createdBy: c.get('subject').name,
      });
      return c.json({ data: { ...shown(created), token: created.token } }, 201);
    },
  );

  app.openapi(
    createRoute({
      ...guarded,
      method: 'get',
      path: '/v1/agents/tokens',
      summary: 'List join tokens; the tokens themselves are not shown',
      responses: { 200: json(dataEnvelope(z.array(joinTokenSchema)), 'Newest first'), ...problems(401, 403, 503) },
    }),
    async (c) => c.json({ data: (await joinTokens.list()).map(shown) }, 200),
  );

  app.openapi(
    createRoute({
      ...guarded,
      method: 'delete',
      path: '/v1/agents/tokens/{id}',
      summary: 'Revoke a join token; agents that it enrolled stay',
      request: { params: z.object({ id: pathName('Id of the join token') }) },
      responses: { 204: { description: 'Revoked' }, ...problems(401, 403, 404, 503) },
    }),
    async (c) => {
      await joinTokens.revoke(c.req.valid('param').id);
      return c.body(null, 204);
    },
  );
}

function shown(token: JoinToken): z.infer<typeof joinTokenSchema> {
  return {
    id: token.id,
    uses_left: token.usesLeft,
    uses: token.usesMax,
    labels: { ...token.labels },
    created_at: token.createdAt.toISOString(),
    created_by: token.createdBy,
    expires_at: token.expiresAt.toISOString(),
  };
}
