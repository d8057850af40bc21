/** /v1/admin/subjects: the users of the API. */
import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi';
import type { SubjectRecord, SubjectService } from '../access/subjects.ts';
import type { Access, AppEnv } from './http/access.ts';
import { bearer, bodyNameSchema, dataEnvelope, json, jsonBody, pathName, problems } from './http/schemas.ts';

const subjectSchema = z
  .object({ name: z.string(), role: z.enum(['admin', 'user']), created_at: z.string() })
  .openapi('Subject');
const withTokenSchema = subjectSchema.extend({ token: z.string().openapi({ description: 'Shown this once' }) });
const params = z.object({ name: pathName('Name of the subject') });
const tags = ['subjects'];

export function addSubjectRoutes(app: OpenAPIHono<AppEnv>, access: Access, subjects: SubjectService): void {
  const guarded = { middleware: access.admin, security: bearer, tags };

  app.openapi(
    createRoute({
      ...guarded,
      method: 'get',
      path: '/v1/admin/subjects',
      summary: 'List subjects; tokens are not shown',
      responses: {
        200: json(dataEnvelope(z.array(subjectSchema)), 'All subjects, by name'),
        ...problems(401, 403, 503),
      },
    }),
    async (c) => c.json({ data: (await subjects.list()).map(shown) }, 200),
  );

  app.openapi(
    createRoute({
      ...guarded,
      method: 'post',
      path: '/v1/admin/subjects',
      summary: 'Create a subject and show its token, once',
      request: {
        body: jsonBody(
          z.object({
            subject: z.object({
              name: bodyNameSchema,
              role: z.enum(['admin', 'user']).default('user'),
            }),
          }),
        ),
      },
      responses: { 201: json(dataEnvelope(withTokenSchema), 'Created'), ...problems(400, 401, 403, 422, 503) },
    }),
    async (c) => {
      const { name, role } = c.req.valid('json').subject;
      const subject = await subjects.create(name, role);
      return c.json({ data: { ...shown(subject), token: subject.token } }, 201);
    },
  );

  app.openapi(
    createRoute({
      ...guarded,
      method: 'delete',
      path: '/v1/admin/subjects/{name}',
      summary: 'Remove a subject; its token is refused from now on',
      request: { params },
      responses: { 204: { description: 'Removed' }, ...problems(401, 403, 404, 409, 503) },
    }),
    async (c) => {
      await subjects.remove(c.req.valid('param').name);
      return c.body(null, 204);
    },
  );

  app.openapi(
    createRoute({
      ...guarded,
      method: 'post',
      path: '/v1/admin/subjects/{name}/rotate',
      summary: 'Give a subject a new token; the old one is refused from now on',
      request: { params },
      responses: { 200: json(dataEnvelope(withTokenSchema), 'The new token'), ...problems(401, 403, 404, 503) },
    }),
    async (c) => {
      const subject = await subjects.rotate(c.req.valid('param').name);
      return c.json({ data: { ...shown(subject), token: subject.token } }, 200);
    },
  );
}

function shown({ name, role, createdAt }: SubjectRecord): z.infer<typeof subjectSchema> {
  return { name, role, created_at: createdAt.toISOString() };
}
