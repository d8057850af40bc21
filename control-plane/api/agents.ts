/** /v1/agents: agents in the database, with the state of their tunnels. */
import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi';
import type { OutboxState } from '@skerry/shared/tunnel/protocol.ts';
import type { AgentRecord, AgentService } from '../agents/agents.ts';
import type { AgentState, Hub } from '../tunnel/hub.ts';
import type { Access, AppEnv } from './http/access.ts';
import { agentLabelsSchema, bearer, dataEnvelope, json, pathName, problems } from './http/schemas.ts';

const agentSchema = z
  .object({
    id: z.string(),
    name: z.string(),
    labels: agentLabelsSchema,
    version: z.string(),
    online: z.boolean(),
    online_since: z.string().nullable(),
    draining: z.boolean(),
    outbox: z
      .object({
        events: z.number().openapi({ description: 'Events without an outcome' }),
        outcomes: z.number().openapi({ description: 'Outcomes that are not yet delivered to the control plane' }),
        bytes: z.number(),
        limit_bytes: z.number(),
        dropped: z.number(),
        damaged: z.number(),
      })
      .nullable()
      .openapi({ description: 'Null while it is offline, and before its first event' }),
    memory_available_bytes: z.number().nullable(),
    memory_total_bytes: z.number().nullable(),
    running: z.number().nullable().openapi({ description: 'Invocations that hold a thread' }),
    generation: z.object({
      desired: z.number().nullable().openapi({ description: 'Null while it is offline' }),
      applied: z.number(),
    }),
    created_at: z.string(),
    last_seen_at: z.string(),
  })
  .openapi('Agent');

const params = z.object({ agent: pathName('Id or name of the agent') });
const tags = ['agents'];

type AgentRoutesOptions = {
  readonly access: Access;
  readonly agents: AgentService;
  readonly hub: Pick<Hub, 'state' | 'revoke'>;
  readonly now: () => Date;
};

export function addAgentRoutes(app: OpenAPIHono<AppEnv>, { access, agents, hub, now }: AgentRoutesOptions): void {
  const guarded = { security: bearer, tags };

  app.openapi(
    createRoute({
      ...guarded,
      middleware: access.user,
      method: 'get',
      path: '/v1/agents',
      summary: 'List agents',
      responses: {
        200: json(dataEnvelope(z.array(agentSchema)), 'All agents that are not revoked, by name'),
        ...problems(401, 503),
      },
    }),
    async (c) => c.json({ data: (await agents.list()).map((agent) => shown(agent, hub.state(agent.id), now())) }, 200),
  );

  app.openapi(
    createRoute({
      ...guarded,
      middleware: access.user,
      method: 'get',
      path: '/v1/agents/{agent}',
      summary: 'Show an agent',
      request: { params },
      responses: { 200: json(dataEnvelope(agentSchema), 'The agent'), ...problems(401, 404, 503) },
    }),
    async (c) => {
      const agent = await agents.get(c.req.valid('param').agent);
      return c.json({ data: shown(agent, hub.state(agent.id), now()) }, 200);
    },
  );

  app.openapi(
    createRoute({
      ...guarded,
      middleware: access.admin,
      method: 'delete',
      path: '/v1/agents/{agent}',
      summary: 'Revoke an agent: its tunnel is closed, and its key is never admitted again',
      request: { params },
      responses: { 204: { description: 'Revoked' }, ...problems(401, 403, 404, 503) },
    }),
    async (c) => {
      hub.revoke(await agents.revoke(c.req.valid('param').agent));
      return c.body(null, 204);
    },
  );
}

function shown(agent: AgentRecord, state: AgentState | undefined, now: Date): z.infer<typeof agentSchema> {
  return {
    id: agent.id,
    name: agent.name,
    labels: { ...agent.labels },
    version: state?.version ?? agent.version,
    online: state?.online ?? false,
    online_since: state?.onlineSince.toISOString() ?? null,
    draining: state?.draining ?? false,
    outbox: state?.outbox ? outboxOf(state.outbox) : null,
    memory_available_bytes: state?.memoryAvailable ?? null,
    memory_total_bytes: state?.memoryTotal ?? null,
    running: state?.running ?? null,
    generation: { desired: state?.desired ?? null, applied: state?.applied ?? agent.applied },
    created_at: agent.createdAt.toISOString(),
    last_seen_at: (state ? now : agent.lastSeenAt).toISOString(),
  };
}

function outboxOf({ limitBytes, ...state }: OutboxState) {
  return { ...state, limit_bytes: limitBytes };
}
