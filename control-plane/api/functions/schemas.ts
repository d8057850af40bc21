/** Schemas of functions in the API. */
import { z } from '@hono/zod-openapi';
import { errorCodes } from '@skerry/shared/errors.ts';
import { worldSchema } from '@skerry/shared/function/bundle.ts';
import { manifestSchema } from '@skerry/shared/function/manifest.ts';
import { functionAgentStates } from '../../tunnel/function-agents.ts';

const connectorResult = z.object({ status: z.enum(['success', 'error']), message: z.string().optional() });
const connectorCounts = z.object({ successful: z.number(), failed: z.number(), total: z.number() });

/** Answer of create, update and rollback. */
export const deployedSchema = z
  .object({
    name: z.string(),
    module: z.string(),
    revision: z.number(),
    digest: z.string().openapi({ description: 'SHA-256 of the component' }),
    bundle_digest: z.string(),
    world: worldSchema,
    size: z.number().openapi({ description: 'Bytes of the component' }),
    imports: z.array(z.string()),
    permissions: z
      .object({ added: z.array(z.string()), removed: z.array(z.string()) })
      .openapi({ description: 'Interfaces imported and capabilities granted, against the revision before' }),
    agents: z.object({
      total: z.number().openapi({ description: 'Connected agents that must hold it' }),
      applied: z.number(),
      failed: z.array(z.object({ agent: z.string(), code: z.enum(errorCodes), message: z.string() })),
    }),
    events: z.array(connectorResult).optional(),
    events_metadata: connectorCounts.optional(),
    sinks: z.array(connectorResult).optional(),
    sinks_metadata: connectorCounts.optional(),
  })
  .openapi('DeployedFunction');

const permissionsSchema = z.object({
  asks: z.array(z.string()).openapi({ description: 'Permissions that its imports ask for, in plain words' }),
  granted: z.array(z.string()).openapi({ description: 'Permissions that its manifest grants' }),
  ungranted: z.array(z.string()).openapi({ description: 'Asked for and not granted: such requests fail' }),
  unused: z.array(z.string()).openapi({ description: 'Granted and not asked for' }),
});

/** Log lines of a function, and the agents that did not answer. */
export const logsSchema = z
  .object({
    lines: z.array(
      z.object({
        agent: z.string(),
        time: z.string(),
        invocation: z.string(),
        revision: z.number(),
        source: z.string().openapi({ description: 'stdout, stderr, or a level of wasi:logging' }),
        text: z.string(),
      }),
    ),
    missing: z.array(z.string()).openapi({ description: 'Connected agents that did not answer' }),
  })
  .openapi('Logs');

/** A function with all its fields. */
export const functionSchema = z
  .object({
    name: z.string(),
    module: z.string(),
    revision: z.number(),
    digest: z.string(),
    bundle_digest: z.string(),
    world: worldSchema,
    size: z.number(),
    imports: z.array(z.string()),
    permissions: permissionsSchema,
    manifest: manifestSchema,
    created_at: z.string(),
    created_by: z.string(),
    agents: z.array(
      z.object({
        id: z.string(),
        name: z.string(),
        online: z.boolean(),
        holds: z
          .boolean()
          .nullable()
          .openapi({ description: 'The current revision is ready there; null: unknown while it is offline' }),
        error: z.string().optional(),
        state: z.enum(functionAgentStates).openapi({
          description:
            'held_back: the agent refuses calls for a while, because the function ended its runner several times',
        }),
        reason: z.string().optional().openapi({ description: 'Why it is held back' }),
        retry_in_ms: z.number().optional().openapi({ description: 'Milliseconds until it is no longer held back' }),
      }),
    ),
  })
  .openapi('Function');

export const functionSummarySchema = z
  .object({ name: z.string(), module: z.string(), revision: z.number(), digest: z.string(), world: worldSchema })
  .openapi('FunctionSummary');

export const revisionSchema = z
  .object({
    revision: z.number(),
    current: z.boolean(),
    digest: z.string(),
    bundle_digest: z.string(),
    world: worldSchema,
    size: z.number(),
    imports: z.array(z.string()),
    manifest: manifestSchema,
    created_at: z.string(),
    created_by: z.string(),
  })
  .openapi('Revision');

/** Fields of the multipart body of create and update, for the document only: upload.ts reads them. */
export const uploadSchema = z.object({
  name: z.string(),
  code: z.string().openapi({ format: 'binary', description: 'A WASI component or a preview1 command module' }),
  wait_for_workers: z.string().optional().openapi({ description: 'true, false, or milliseconds' }),
  manifest: z.string().optional().openapi({ description: 'JSON' }),
  metadata: z.string().optional().openapi({ description: 'JSON: {"tag": text, "capacity": KB or -1}' }),
  events: z.string().optional().openapi({
    description: 'JSON array of {type, params}: all triggers of the function from now on; absent: they stay',
  }),
  sinks: z.string().optional().openapi({
    description: 'JSON array of {type, params}: all sinks of the function from now on; absent: they stay',
  }),
  wait_for_events: z.string().optional().openapi({
    description: 'true, or milliseconds: triggers that are not connected by then are reported as errors',
  }),
});
