/** GET /v1/fn/{module}/{function}/logs: the last lines of a function, from the connected agents. */
import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi';
import { maxLogLines } from '@skerry/shared/tunnel/protocol.ts';
import type { FullCatalog } from '../../catalog/catalog.ts';
import type { Hub } from '../../tunnel/hub.ts';
import type { Access, AppEnv } from '../http/access.ts';
import { bearer, dataEnvelope, json, pathName, problems } from '../http/schemas.ts';
import { needFunction } from '../invoke/handler.ts';
import { logsSchema } from './schemas.ts';

const params = z.object({ module: pathName('Name of the module'), function: pathName('Name of the function') });
const range = `must be from 1 to ${maxLogLines}`;
const limit = z.coerce
  .number()
  .pipe(z.int(range).min(1, range).max(maxLogLines, range))
  .default(100)
  .openapi({ description: 'At most this number of lines' });

/** The largest time that a date can hold, in milliseconds; an agent may send any number. */
const maxTime = 8.64e15;

type LogRoutesOptions = {
  readonly access: Access;
  readonly catalog: Pick<FullCatalog, 'find'>;
  readonly hub: Pick<Hub, 'logs'>;
};

export function addLogRoutes(app: OpenAPIHono<AppEnv>, { access, catalog, hub }: LogRoutesOptions): void {
  app.openapi(
    createRoute({
      middleware: access.user,
      security: bearer,
      tags: ['functions'],
      method: 'get',
      path: '/v1/fn/{module}/{function}/logs',
      summary: 'Show the last lines that a function wrote',
      description: 'Agents keep the last lines of each function in memory; offline agents are not asked.',
      request: { params, query: z.object({ limit }) },
      responses: { 200: json(dataEnvelope(logsSchema), 'By time, oldest first'), ...problems(400, 401, 404, 422) },
    }),
    async (c) => {
      const path = c.req.valid('param');
      const fn = needFunction(catalog, path.module, path.function);
      const { lines, missing } = await hub.logs(fn.id, c.req.valid('query').limit);
      const data = {
        lines: lines.map((line) => ({ ...line, time: new Date(Math.min(line.time, maxTime)).toISOString() })),
        missing: [...missing],
      };
      return c.json({ data }, 200);
    },
  );
}
