/**
 * The answers of the control plane. Types come from its own schemas where it exports them. Elsewhere they have only
 * the fields that commands read. test/cli/platform.test.ts runs the commands against the real one.
 */
import type {
  deployedSchema,
  functionSchema,
  functionSummarySchema,
  logsSchema,
  revisionSchema,
} from '@skerry/control-plane/api/functions/schemas.ts';
import type { shownSinkSchema } from '@skerry/control-plane/api/functions/sinks.ts';
import type { shownTriggerSchema } from '@skerry/control-plane/api/functions/triggers.ts';
import type { invocationPageSchema, invocationSchema } from '@skerry/control-plane/api/invocations.ts';
import type { secretSchema } from '@skerry/control-plane/api/secrets.ts';
import type { deadLetterSchema, sinkStateSchema } from '@skerry/control-plane/api/sinks.ts';
import type { Labels } from '@skerry/shared/function/names.ts';

/** Answer of create, update and rollback, with the number of agents that had the change by then. */
export type Deployed = (typeof deployedSchema)['_output'];
export type FunctionDetails = (typeof functionSchema)['_output'];
export type FunctionSummary = (typeof functionSummarySchema)['_output'];
export type FunctionLogs = (typeof logsSchema)['_output'];
export type RevisionSummary = (typeof revisionSchema)['_output'];

export type InvocationDetails = (typeof invocationSchema)['_output'];
export type InvocationPage = (typeof invocationPageSchema)['_output'];
export type TriggerDetails = (typeof shownTriggerSchema)['_output'];
export type SinkDetails = (typeof shownSinkSchema)['_output'];
export type SinkState = (typeof sinkStateSchema)['_output'];
export type DeadLetter = (typeof deadLetterSchema)['_output'];
export type SecretSummary = (typeof secretSchema)['_output'];

export type ModuleSummary = { name: string };
export type ModuleDetails = { name: string; functions: { name: string }[] };

export type AgentSummary = {
  id: string;
  name: string;
  labels: Labels;
  version: string;
  online: boolean;
  draining: boolean;
  /** Null while offline, and before the first event of a trigger on the device. */
  outbox: { events: number; outcomes: number } | null;
  /** Null while unknown, like the next two fields. */
  memory_available_bytes: number | null;
  running: number | null;
  generation: { desired: number | null; applied: number };
};

export type JoinToken = { id: string; token: string };
export type Subject = { name: string; role: 'admin' | 'user' };
export type SubjectToken = Subject & { token: string };
