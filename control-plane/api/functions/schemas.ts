/** Functions as the API shows them. */
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
      total: z.number().openapi({ description: 'Connected agents that shall hold it' }),
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
  asks: z.array(z.string()).openapi({ description: 'What it imports, in plain words' }),
  granted: z.array(z.string()).openapi({ description: 'What its manifest gives it' }),
  ungranted: z.array(z.string()).openapi({ description: 'Asked for and not granted: these attempts fail' }),
  unused: z.array(z.string()).openapi({ description: 'Granted and not asked for' }),
});

/** Lines that a function wrote, and the agents that could not be asked. */
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
    missing: z.array(z.string()).openapi({ description: 'Connected agents that gave no answer' }),
  })
  .openapi('Logs');

/** A function read back. */
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
          .openapi({ description: 'The current revision is ready there; null: not known while it is offline' }),
        error: z.string().optional(),
        state: z.enum(functionAgentStates).openapi({
          description: 'held_back: the agent refuses calls for a while, because it ended its runner again and again',
        }),
        reason: z.string().optional().openapi({ description: 'Why it is held back' }),
        retry_in_ms: z.number().optional().openapi({ description: 'How long it is still held back' }),
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
    description: 'JSON array of {type, params}: all triggers that it shall have from now on; absent: they stay',
  }),
  sinks: z.string().optional().openapi({
    description: 'JSON array of {type, params}: all sinks that it shall have from now on; absent: they stay',
  }),
  wait_for_events: z.string().optional().openapi({
    description: 'true, or milliseconds: triggers that are not connected by then are answered for as errors',
  }),
});
