/** /v1/fn/{module}/{function}/triggers: the triggers of a function. */
import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi';
import { SkerryError } from '@skerry/shared/errors.ts';
import { type Trigger, triggerSchema } from '@skerry/shared/function/triggers.ts';
import type { AgentService } from '../../agents/agents.ts';
import type { BindingService } from '../../bindings/bindings.ts';
import { maxTime, type TriggerReport, type TriggerStatus } from '../../bindings/trigger-status.ts';
import type { FullCatalog } from '../../catalog/catalog.ts';
import type { Binding, CatalogFunction } from '../../model/catalog-function.ts';
import type { FunctionAgent } from '../../tunnel/function-agents.ts';
import type { Access, AppEnv } from '../http/access.ts';
import { bearer, dataEnvelope, json, jsonBody, problems } from '../http/schemas.ts';
import { needFunction } from '../invoke/handler.ts';
import { bindingPath, needBinding, onePath, shownParams } from './binding.ts';

const placeSchema = z
  .object({
    agent: z.string().nullable().openapi({ description: 'The agent that listens; null: the control plane' }),
    state: z.enum(['connecting', 'up', 'holding', 'failing']).openapi({
      description: 'holding: messages stay with the broker, because there is no room here',
    }),
    since: z.string().optional(),
    last_message_at: z.string().optional(),
    next: z.string().optional().openapi({ description: 'Next tick of a schedule' }),
    received: z.number(),
    run: z.number(),
    failed: z.number(),
    dropped: z.number(),
    pending: z.number(),
    error: z.string().optional(),
  })
  .openapi('TriggerPlace');

/** A trigger in the API. */
export const shownTriggerSchema = z
  .object({
    id: z.string(),
    type: z.enum(['mqtt', 'schedule']),
    params: z
      .record(z.string(), z.unknown())
      .openapi({ description: 'Without credentials; `credentials` says whether there are any' }),
    created_at: z.string(),
    received: z.number(),
    run: z.number(),
    failed: z.number(),
    dropped: z.number(),
    last_message_at: z.string().optional(),
    places: z.array(placeSchema).openapi({
      description: 'Where it runs, as far as this control plane knows now; an agent counts from its start on',
    }),
    offline: z.array(z.object({ agent: z.string(), since: z.string() })).openapi({
      description: 'Offline agents that may go on with it by themselves; their state arrives when they reconnect',
    }),
  })
  .openapi('Trigger');

type TriggerRoutesOptions = {
  readonly access: Access;
  readonly catalog: Pick<FullCatalog, 'find'>;
  readonly triggers: BindingService<Trigger>;
  readonly triggerStatus: TriggerStatus;
  readonly functionAgents: (fn: CatalogFunction) => Promise<readonly Pick<FunctionAgent, 'id' | 'online'>[]>;
  readonly agents: Pick<AgentService, 'list'>;
};

export function addTriggerRoutes(app: OpenAPIHono<AppEnv>, options: TriggerRoutesOptions): void {
  const { access, catalog, triggers, triggerStatus: places, functionAgents: holders, agents } = options;
  const path = '/v1/fn/{module}/{function}/triggers';
  const guarded = { middleware: access.user, security: bearer, tags: ['triggers'] };
  /** Offline agents that hold the function, for triggers that run on agents. */
  const offlineOf = async (fn: CatalogFunction, all: readonly Binding<Trigger>[]): Promise<OfflineAgent[]> => {
    if (!all.some(isEdge)) return [];
    const away = new Set((await holders(fn)).flatMap(({ id, online }) => (online ? [] : [id])));
    if (away.size === 0) return [];
    const known = (await agents.list()).filter(({ id }) => away.has(id));
    return known.map(({ name, lastSeenAt }) => ({ agent: name, since: lastSeenAt.toISOString() }));
  };
  /** In the given order. Rejects with `store_unavailable`. */
  const shownAll = async (fn: CatalogFunction, all: readonly Binding<Trigger>[]) => {
    const [reports, offline] = await Promise.all([places.report(all), offlineOf(fn, all)]);
    return all.map((trigger, at) => shown(trigger, reports[at], isEdge(trigger) ? offline : []));
  };
  const shownOne = async (fn: CatalogFunction, trigger: Binding<Trigger>) => {
    const [one] = await shownAll(fn, [trigger]);
    if (!one) throw new SkerryError('internal', 'a trigger has no report');
    return one;
  };

  app.openapi(
    createRoute({
      ...guarded,
      method: 'get',
      path,
      summary: 'List the triggers of a function with their state',
      request: { params: bindingPath },
      responses: { 200: json(dataEnvelope(z.array(shownTriggerSchema)), 'Oldest first'), ...problems(401, 404, 503) },
    }),
    async (c) => {
      const at = c.req.valid('param');
      const fn = needFunction(catalog, at.module, at.function);
      return c.json({ data: await shownAll(fn, fn.triggers) }, 200);
    },
  );

  app.openapi(
    createRoute({
      ...guarded,
      method: 'post',
      path,
      summary: 'Create a trigger',
      description:
        'It is in effect from now on, also after restarts. Its state shows whether its broker can be reached.',
      request: { params: bindingPath, body: jsonBody(triggerSchema) },
      responses: {
        201: json(dataEnvelope(shownTriggerSchema), 'Created'),
        ...problems(400, 401, 403, 404, 409, 413, 422, 503),
      },
    }),
    async (c) => {
      const at = c.req.valid('param');
      const fn = needFunction(catalog, at.module, at.function);
      const created = await triggers.create(fn, c.req.valid('json'), c.get('subject'));
      return c.json({ data: await shownOne(fn, created) }, 201);
    },
  );

  app.openapi(
    createRoute({
      ...guarded,
      method: 'get',
      path: `${path}/{id}`,
      summary: 'Show a trigger with its state',
      request: { params: onePath },
      responses: { 200: json(dataEnvelope(shownTriggerSchema), 'The trigger'), ...problems(401, 404, 503) },
    }),
    async (c) => {
      const at = c.req.valid('param');
      const fn = needFunction(catalog, at.module, at.function);
      return c.json({ data: await shownOne(fn, needBinding('trigger', fn.triggers, at.id)) }, 200);
    },
  );

  app.openapi(
    createRoute({
      ...guarded,
      method: 'put',
      path: `${path}/{id}`,
      summary: 'Replace a trigger',
      description: 'All of it: absent parameters take their defaults, and credentials must be given again. ',
      request: { params: onePath, body: jsonBody(triggerSchema) },
      responses: {
        200: json(dataEnvelope(shownTriggerSchema), 'Replaced'),
        ...problems(400, 401, 403, 404, 409, 413, 422, 503),
      },
    }),
    async (c) => {
      const at = c.req.valid('param');
      const fn = needFunction(catalog, at.module, at.function);
      const updated = await triggers.update(fn, at.id, c.req.valid('json'), c.get('subject'));
      return c.json({ data: await shownOne(fn, updated) }, 200);
    },
  );

  app.openapi(
    createRoute({
      ...guarded,
      method: 'delete',
      path: `${path}/{id}`,
      summary: 'Remove a trigger',
      description: 'Its recorded events still run.',
      request: { params: onePath },
      responses: { 204: { description: 'Removed' }, ...problems(401, 404, 503) },
    }),
    async (c) => {
      const at = c.req.valid('param');
      await triggers.remove(needFunction(catalog, at.module, at.function), at.id);
      return c.body(null, 204);
    },
  );
}

type OfflineAgent = { readonly agent: string; readonly since: string };

function isEdge({ spec }: Binding<Trigger>): boolean {
  return spec.params.placement === 'edge';
}

function shown(
  trigger: Binding<Trigger>,
  report: TriggerReport | undefined,
  offline: readonly OfflineAgent[],
): z.infer<typeof shownTriggerSchema> {
  const { lastMessageAt, ...counts } = report?.totals ?? { received: 0, run: 0, failed: 0, dropped: 0 };
  return {
    id: trigger.id,
    type: trigger.spec.type,
    params: shownParams(trigger),
    created_at: trigger.createdAt.toISOString(),
    ...counts,
    ...(lastMessageAt && { last_message_at: lastMessageAt.toISOString() }),
    places: (report?.places ?? []).map(({ agent = null, state: { since, lastMessage, next, error, ...state } }) => ({
      agent,
      state: state.state,
      received: state.received,
      run: state.run,
      failed: state.failed,
      dropped: state.dropped,
      pending: state.pending,
      ...(since !== undefined && { since: timeText(since) }),
      ...(lastMessage !== undefined && { last_message_at: timeText(lastMessage) }),
      ...(next !== undefined && { next: timeText(next) }),
      ...(error !== undefined && { error }),
    })),
    offline: [...offline],
  };
}

function timeText(ms: number): string {
  return new Date(Math.min(ms, maxTime)).toISOString();
}
