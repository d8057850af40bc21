/**
 * /metrics/agents: each agent's Prometheus registry, fetched through its tunnel on request, and the list by which a
 * Prometheus discovers the agents (http_sd_configs). Labels of an agent become target labels, as `agent_label_<name>`.
 */
import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi';
import { SkerryError } from '@skerry/shared/errors.ts';
import type { Hub } from '../tunnel/hub.ts';
import type { Access, AppEnv } from './http/access.ts';
import { bearer, json, pathName, problems } from './http/schemas.ts';

const targetsSchema = z.array(
  z.object({ targets: z.array(z.string()), labels: z.record(z.string(), z.string()) }).openapi('TargetGroup'),
);
const params = z.object({ agent: pathName('Id or name of the agent') });

export function addAgentMetricsRoutes(
  app: OpenAPIHono<AppEnv>,
  access: Access,
  hub: Pick<Hub, 'connected' | 'scrape'>,
): void {
  const guarded = { security: bearer, tags: ['agents'], method: 'get' as const };

  app.openapi(
    createRoute({
      ...guarded,
      middleware: access.user,
      path: '/metrics/agents',
      summary: 'Connected agents, for Prometheus HTTP service discovery',
      responses: { 200: json(targetsSchema, 'A target group per agent'), ...problems(401) },
    }),
    (c) => {
      const host = c.req.header('host') ?? '';
      return c.json(
        hub.connected().map(({ id, name, labels }) => ({
          targets: [host],
          labels: { __metrics_path__: `/metrics/agents/${id}`, agent: name, ...asTargetLabels(labels) },
        })),
        200,
      );
    },
  );

  app.openapi(
    createRoute({
      ...guarded,
      middleware: access.scrape,
      path: '/metrics/agents/{agent}',
      summary: "An agent's Prometheus metrics, fetched now through its tunnel",
      request: { params },
      responses: {
        200: { description: 'Text format 0.0.4', content: { 'text/plain': { schema: z.string() } } },
        ...problems(401, 404, 406, 503),
      },
    }),
    async (c) => {
      const { agent } = c.req.valid('param');
      const found = hub.connected().find(({ id, name }) => id === agent || name === agent);
      if (!found) throw new SkerryError('not_found', `No agent "${agent}" has a tunnel now`);
      return c.text(await hub.scrape(found.id), 200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' });
    },
  );
}

/** Prometheus allows no `-` in the names of labels. */
function asTargetLabels(labels: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(labels).map(([name, value]) => [`agent_label_${name.replaceAll('-', '_')}`, value]),
  );
}
