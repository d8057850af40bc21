/**
 * Every frame of the tunnel as a schema, one union per direction. All frame types are inferred from these schemas. The
 * file has more than 300 lines because all frames must stand in one place.
 *
 * Rules:
 * - No frame is needed exactly once: the next `desired`, `status` or `applied` repairs a lost one.
 * - A receiver skips frames of unknown kind, so that a newer side can talk to an older one.
 * - Every list and every string has a bound.
 * - protocol.test.ts hashes the schemas, and fails until the version and its history change with them.
 */
import * as z from 'zod';
import { outcomeCodes } from '../errors.ts';
import { digestSchema } from '../function/bundle.ts';
import { coreLimitsSchema, grantsSchema, manifestSchema } from '../function/manifest.ts';
import { labelsSchema, nameSchema } from '../function/names.ts';
import { retrySchema } from '../function/retry.ts';
import { maxTriggers, triggerSchema, triggerStateSchema } from '../function/triggers.ts';
import { headersSchema, requestHeadSchema, responseHeadSchema } from '../http/http.ts';
import { maxPartBytes } from '../http/http-limits.ts';
import { bytesSchema, resultSchema, shortTextSchema } from '../result.ts';

/** The version that this code speaks. The control plane accepts this version and the one before. */
export const protocolVersion = 3;

/** The changes of each version, one line per version. */
export const protocolHistory: Readonly<Record<number, string>> = {
  1: 'handshake, desired state, code push, invocation, metrics, liveness, drain',
  2: 'HTTP heads and streamed bodies (head, body, credit), grants of a function, logs (logs, lines)',
  3: 'triggers on the device, their outcomes (outcomes, recorded), outbox and triggers in status',
};

/** The versions that the control plane accepts. */
export const supportedVersions: readonly number[] = [protocolVersion - 1, protocolVersion];

/** WebSocket path of the tunnel. */
export const tunnelPath = '/v1/tunnel';

/** Maximum size of a WebSocket message, in bytes: one input or output at its ceiling, and room for the other fields. */
export const maxFrameBytes = 5 * 1024 * 1024;

/** Maximum size of one `desired` part, in bytes. A single function may exceed it. */
export const desiredPartBytes = 256 * 1024;

/** Maximum number of functions in the desired state of one agent. */
export const maxDesiredFunctions = 10_000;

/** Bytes of code in one `chunk`. Chunks are small, so that frames of invocations can go between them. */
export const chunkBytes = 128 * 1024;

const count = z.int().min(0);
const id = z.string().min(1).max(64);

const ping = z.object({ kind: z.literal('ping'), n: count });
const pong = z.object({ kind: z.literal('pong'), n: count });

/** A function that an agent must hold. */
export const desiredFunctionSchema = z.object({
  /** Does not change through updates and renames. */
  id,
  module: nameSchema,
  name: nameSchema,
  /** Number of the revision within its function, from 1. */
  revision: z.int().min(1),
  bundle: digestSchema,
  limits: coreLimitsSchema,
  env: manifestSchema.unwrap().shape.env.unwrap(),
  args: manifestSchema.unwrap().shape.args.unwrap(),
  instance: z.enum(['fresh', 'reuse']),
  /** Limits and capabilities beyond the core limits, environment and arguments. */
  grants: grantsSchema,
  /** True when an invocation is an HTTP request: the world is wasi:http. This field and the next since protocol 3. */
  http: z.boolean().optional(),
  /** Retry policy of invocations by the function's triggers. */
  retry: retrySchema(3).unwrap().optional(),
  /** The function's triggers that this agent listens to, with their credentials. */
  triggers: z
    .array(z.intersection(z.object({ id }), triggerSchema))
    .max(maxTriggers)
    .optional(),
  /** True when outcomes of triggers must contain the input, because a sink needs it. A failure always contains it. */
  keepInput: z.boolean().optional(),
});
export type DesiredFunction = z.output<typeof desiredFunctionSchema>;

/** Part of the caller's or the function's body, in order. `last` ends the body. Only the last part has trailers. */
const body = z.object({
  kind: z.literal('body'),
  id,
  bytes: bytesSchema.refine((value) => value.byteLength <= maxPartBytes, 'must be a part of at most 64 KiB'),
  last: z.boolean(),
  trailers: headersSchema.optional(),
});
/** Allows the other side of this invocation to send this number of further bytes of its body. */
const credit = z.object({ kind: z.literal('credit'), id, bytes: z.int().min(1) });

/** A line that a function wrote to its standard output, to its standard error, or through wasi:logging. */
const logLineSchema = z.object({
  /** Milliseconds since the epoch, by the device's clock. */
  time: count,
  invocation: id,
  revision: count,
  /** `stdout`, `stderr`, or the level of wasi:logging. */
  source: z.string().max(16),
  text: shortTextSchema,
});
export type LogLine = z.infer<typeof logLineSchema>;

/** Maximum number of lines in one `lines` frame. */
export const maxLogLines = 1_000;

/** Maximum number of outcomes in one `outcomes` frame. */
export const maxOutcomes = 500;
/** Maximum size of their inputs and outputs together, in bytes. A single outcome may exceed it. */
export const outcomesBytes = 512 * 1024;

/**
 * Outcome of an event that the device recorded. The device made the id, which is the id of the invocation everywhere.
 * Times are milliseconds since the epoch, by the device's clock.
 */
const recordedOutcomeSchema = z.object({
  id,
  function: id,
  trigger: id,
  origin: z.enum(['mqtt', 'schedule']),
  /** The revision that ran last. 0 when no revision ran. */
  revision: count,
  /** Number of attempts. */
  attempts: count,
  createdAt: count,
  startedAt: count,
  endedAt: count,
  input: bytesSchema.optional(),
  result: resultSchema,
});
export type RecordedOutcome = z.output<typeof recordedOutcomeSchema>;

/** State of the agent's outbox. */
const outboxStateSchema = z.object({
  /** Number of events without an outcome. */
  events: count,
  /** Number of outcomes that the control plane has not acknowledged. */
  outcomes: count,
  bytes: count,
  /** Maximum of `bytes`. */
  limitBytes: count,
  /** Number of dropped events since the agent started. */
  dropped: count,
  /** Number of damaged entries since the agent started. */
  damaged: count,
});
export type OutboxState = z.infer<typeof outboxStateSchema>;

/**
 * One part of an agent's desired state. The parts of a generation arrive in order, from part 0 to the `last` part, and
 * take effect together. The agent removes a function that is in none of them.
 */
const desiredSchema = z.object({
  kind: z.literal('desired'),
  generation: count,
  part: count,
  last: z.boolean(),
  functions: z.array(desiredFunctionSchema).max(maxDesiredFunctions),
});

/** Frames from the control plane to an agent. */
export const toAgentSchema = z.discriminatedUnion('kind', [
  /** The first frame of every connection. */
  z.object({ kind: z.literal('challenge'), nonce: bytesSchema, versions: z.array(z.int()).max(16) }),
  /** Accepts the agent: this tunnel is now its only one. Intervals are in milliseconds. */
  z.object({
    kind: z.literal('welcome'),
    version: z.int(),
    agentId: id,
    epoch: count,
    pingIntervalMs: z.int().min(10),
    statusIntervalMs: z.int().min(10),
  }),
  desiredSchema,
  /** Part of a bundle, in answer to `want`, in the order of the offsets. */
  z.object({ kind: z.literal('chunk'), digest: digestSchema, offset: count, total: count, bytes: bytesSchema }),
  /** The control plane cannot send this bundle now. An agent that still needs it asks again later. */
  z.object({ kind: z.literal('unavailable'), digest: digestSchema, message: shortTextSchema }),
  /** Requests an invocation. `timeoutMs` is the rest of the caller's deadline. */
  z.object({
    kind: z.literal('invoke'),
    id,
    function: id,
    timeoutMs: z.int().min(1),
    /** The whole input, or its first part when `streams` is true. */
    input: bytesSchema,
    traceparent: z.string().max(64).optional(),
    /** Head of the HTTP request, if the call is one. */
    http: requestHeadSchema.optional(),
    /** True when the rest of the input follows in `body` frames. The answer may then also come in parts. */
    streams: z.boolean().optional(),
  }),
  body,
  credit,
  /** Requests the last lines that this function wrote. */
  z.object({ kind: z.literal('logs'), id: count, function: id, limit: z.int().min(1).max(maxLogLines) }),
  /**
   * Answers a batch of `outcomes`. If `ok` is true, the control plane has the batch on disk, and the agent may delete
   * it. If `ok` is false, the control plane could not store it, and the agent sends it again after a delay.
   */
  z.object({ kind: z.literal('recorded'), batch: count, ok: z.boolean() }),
  /** Cancels an invocation: no caller waits for it any more. */
  z.object({ kind: z.literal('cancel'), id }),
  /** Requests the metrics of the agent's Prometheus registry. */
  z.object({ kind: z.literal('scrape'), id: count }),
  /** The control plane is shutting down. The agent reconnects, but not before this many milliseconds. */
  z.object({ kind: z.literal('drain'), retryAfterMs: count }),
  ping,
  pong,
]);

const load = {
  /** Bytes of the device's memory that new work can use. */
  memoryAvailable: count,
  /** Number of invocations that hold a thread, including those that wait in it. */
  running: count,
};

/** The fault of one function while the agent applied a generation. The old revision, if there is one, still serves. */
const applyErrorSchema = z.object({ function: id, code: z.enum(outcomeCodes), message: shortTextSchema });
export type ApplyError = z.infer<typeof applyErrorSchema>;

/** The outcome of an invocation: its output, or the error. */
const outcomeSchema = z.object({
  kind: z.literal('outcome'),
  id,
  result: resultSchema,
  /** The revision that ran. 0 when no revision ran. */
  revision: count,
  /** Time from the start in a thread to the result, in microseconds. */
  durationUs: count,
  /** True when the runner had to load the code first. */
  cold: z.boolean(),
  /** Head of an HTTP answer that comes in one piece, with `output` as its body. Absent after a `head` frame. */
  head: responseHeadSchema.optional(),
  /** Trailers, which follow the whole body. */
  trailers: headersSchema.optional(),
  ...load,
});

/** Frames from an agent to the control plane. */
export const toControlSchema = z.discriminatedUnion('kind', [
  /** Answers `challenge`: identifies the agent by its key, with a signature over `signedBytes`. */
  z.object({
    kind: z.literal('hello'),
    version: z.int(),
    /** Raw Ed25519 public key, 32 bytes. */
    publicKey: bytesSchema,
    /** Ed25519 signature, 64 bytes. */
    signature: bytesSchema,
    /** Host and port that the agent dialled. A control plane with configured names accepts no other. */
    host: z.string().max(300),
    name: nameSchema,
    labels: labelsSchema,
    agentVersion: z.string().max(64),
    /** Needed only when the control plane does not know the key. */
    joinToken: z.string().max(128).optional(),
    memoryTotal: count,
    ...load,
  }),
  /** Requests this bundle from this offset on. A new `want` for the same digest replaces the one before. */
  z.object({ kind: z.literal('want'), digest: digestSchema, offset: count }),
  /** This generation is in effect, except for the functions in `errors`. */
  z.object({ kind: z.literal('applied'), generation: count, errors: z.array(applyErrorSchema).max(10_000) }),
  /** Sent periodically. Repairs state that was lost with other frames. */
  z.object({
    kind: z.literal('status'),
    generation: count,
    queued: count,
    /** Functions that the agent holds back because they ended their runner too often, with the time until a retry. */
    held: z
      .array(z.object({ function: id, retryInMs: count }))
      .max(1_000)
      .optional(),
    /** Since protocol 3. Absent before the first event. */
    outbox: outboxStateSchema.optional(),
    /** State of the triggers that the agent listens to. */
    triggers: z.array(triggerStateSchema).max(1_000).optional(),
    ...load,
  }),
  /** A thread has the invocation. From now on the invocation may have had effects. */
  z.object({ kind: z.literal('accepted'), id }),
  /** The function has begun to answer. Parts of the body follow, then the outcome. */
  z.object({ kind: z.literal('head'), id, ...responseHeadSchema.shape }),
  body,
  credit,
  /** Answers `logs`. */
  z.object({ kind: z.literal('lines'), id: count, lines: z.array(logLineSchema).max(maxLogLines) }),
  outcomeSchema,
  /**
   * Outcomes of events, oldest first. The agent sends them again until `recorded` acknowledges the batch. Batch numbers
   * count per tunnel.
   */
  z.object({ kind: z.literal('outcomes'), batch: count, outcomes: z.array(recordedOutcomeSchema).max(maxOutcomes) }),
  /** Answers `scrape`. */
  z.object({ kind: z.literal('metrics'), id: count, text: z.string().max(1024 * 1024) }),
  /** The agent finishes its invocations and takes no new ones. */
  z.object({ kind: z.literal('drain') }),
  ping,
  pong,
]);

export type ToAgent = z.output<typeof toAgentSchema>;
export type ToControl = z.output<typeof toControlSchema>;
/** The frame of one kind. */
export type FrameOf<Union extends { kind: string }, Kind extends Union['kind']> = Extract<Union, { kind: Kind }>;

/**
 * @returns the bytes that `hello` signs. The host prevents the use of a signature at another control plane, the nonce
 *   prevents its use for a second connection
 */
export function signedBytes(nonce: Uint8Array, host: string): Uint8Array {
  return Buffer.concat([Buffer.from(`skerry-tunnel\0${host}\0`), nonce]);
}
