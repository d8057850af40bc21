/**
 * Every frame of the tunnel as a schema, one union per direction. Types are inferred from here and nowhere else; that all
 * frames stand in one place is worth its lines.
 *
 * Rules: no frame is needed exactly once (the next `desired`, `status` or `applied` repairs a lost one); an unknown
 * kind is skipped, so that a newer side can talk to an older one; every list and string has a bound.
 * protocol.test.ts hashes these schemas and fails until the version and its history move with them.
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

/** Version that this code speaks. The control plane accepts this one and the one before. */
export const protocolVersion = 3;

/** One line per version: what changed. */
export const protocolHistory: Readonly<Record<number, string>> = {
  1: 'handshake, desired state, code push, invocation, metrics, liveness, drain',
  2: 'HTTP heads and streamed bodies (head, body, credit), grants of a function, logs (logs, lines)',
  3: 'triggers on the device, their outcomes (outcomes, recorded), outbox and triggers in status',
};

/** Versions accepted by the control plane. */
export const supportedVersions: readonly number[] = [protocolVersion - 1, protocolVersion];

/** WebSocket path of the tunnel. */
export const tunnelPath = '/v1/tunnel';

/** Largest WebSocket message either side takes, in bytes: one input or output at its ceiling, and room for the rest. */
export const maxFrameBytes = 5 * 1024 * 1024;

/** Bytes of one `desired` part at most, unless a single function has more. */
export const desiredPartBytes = 256 * 1024;

/** Functions in the desired state of one agent at most. */
export const maxDesiredFunctions = 10_000;

/** Bytes of code in one `chunk`: small, so that invocations get in between. */
export const chunkBytes = 128 * 1024;

const count = z.int().min(0);
const id = z.string().min(1).max(64);

const ping = z.object({ kind: z.literal('ping'), n: count });
const pong = z.object({ kind: z.literal('pong'), n: count });

/** A function as one agent shall hold it. */
export const desiredFunctionSchema = z.object({
  /** Stable through updates and renames. */
  id,
  module: nameSchema,
  name: nameSchema,
  /** Number of the revision, from 1, within its function. */
  revision: z.int().min(1),
  bundle: digestSchema,
  limits: coreLimitsSchema,
  env: manifestSchema.unwrap().shape.env.unwrap(),
  args: manifestSchema.unwrap().shape.args.unwrap(),
  instance: z.enum(['fresh', 'reuse']),
  /** What it may do besides. */
  grants: grantsSchema,
  /** Whether an invocation of it is an HTTP request: its world is wasi:http. Since protocol 3, like what follows. */
  http: z.boolean().optional(),
  /** For invocations of its triggers. */
  retry: retrySchema(3).unwrap().optional(),
  /** Those of its triggers that this agent listens to, with their credentials. */
  triggers: z
    .array(z.intersection(z.object({ id }), triggerSchema))
    .max(maxTriggers)
    .optional(),
  /** Whether outcomes of its triggers go home with their input: a sink wants it. A failure always does. */
  keepInput: z.boolean().optional(),
});
export type DesiredFunction = z.output<typeof desiredFunctionSchema>;

/**
 * Part of a body, the caller's or the function's, in order. `last` ends it; trailers come with the end only.
 */
const body = z.object({
  kind: z.literal('body'),
  id,
  bytes: bytesSchema.refine((value) => value.byteLength <= maxPartBytes, 'must be a part of at most 64 KiB'),
  last: z.boolean(),
  trailers: headersSchema.optional(),
});
/** The other side of this invocation may send so many bytes more of its body. */
const credit = z.object({ kind: z.literal('credit'), id, bytes: z.int().min(1) });

/** A line that a function wrote: to its standard output or error, or through wasi:logging. */
export const logLineSchema = z.object({
  /** Milliseconds since the epoch, by the device's clock. */
  time: count,
  invocation: id,
  revision: count,
  /** `stdout`, `stderr`, or the level of wasi:logging. */
  source: z.string().max(16),
  text: shortTextSchema,
});
export type LogLine = z.infer<typeof logLineSchema>;

/** Lines in one answer at most. */
export const maxLogLines = 1_000;

/** Outcomes in one frame at most, and bytes of their inputs and outputs, unless a single one has more. */
export const maxOutcomes = 500;
export const outcomesBytes = 512 * 1024;

/**
 * What became of an event that the device recorded. Its id was made there, and is the invocation's everywhere. Times in
 * milliseconds since the epoch, by the device's clock.
 */
export const recordedOutcomeSchema = z.object({
  id,
  function: id,
  trigger: id,
  origin: z.enum(['mqtt', 'schedule']),
  /** Revision that ran last; 0 when none did. */
  revision: count,
  /** How often it was tried. */
  attempts: count,
  createdAt: count,
  startedAt: count,
  endedAt: count,
  input: bytesSchema.optional(),
  result: resultSchema,
});
export type RecordedOutcome = z.output<typeof recordedOutcomeSchema>;

/** How full the agent's outbox is. Counts of what was dropped or damaged since the agent began. */
export const outboxStateSchema = z.object({
  /** Events that have no outcome yet. */
  events: count,
  /** Outcomes that the control plane has not acknowledged yet. */
  outcomes: count,
  bytes: count,
  /** Bytes it may have. */
  limitBytes: count,
  dropped: count,
  damaged: count,
});
export type OutboxState = z.infer<typeof outboxStateSchema>;

/**
 * Part of what one agent shall hold: the parts of a generation come one after another, from part 0 to the one that is
 * `last`, and count together. A function that is in none of them shall go.
 */
export const desiredSchema = z.object({
  kind: z.literal('desired'),
  generation: count,
  part: count,
  last: z.boolean(),
  functions: z.array(desiredFunctionSchema).max(10_000),
});

/** Frames from the control plane to an agent. */
export const toAgentSchema = z.discriminatedUnion('kind', [
  /** First frame on every connection. */
  z.object({ kind: z.literal('challenge'), nonce: bytesSchema, versions: z.array(z.int()).max(16) }),
  /** The agent is known and this tunnel is the one that counts. Intervals in milliseconds. */
  z.object({
    kind: z.literal('welcome'),
    version: z.int(),
    agentId: id,
    epoch: count,
    pingIntervalMs: z.int().min(10),
    statusIntervalMs: z.int().min(10),
  }),
  desiredSchema,
  /** Part of a bundle, in order of offset, in answer to `want`. */
  z.object({ kind: z.literal('chunk'), digest: digestSchema, offset: count, total: count, bytes: bytesSchema }),
  /** The control plane cannot give this bundle now; the agent asks again after a while if it still wants it. */
  z.object({ kind: z.literal('unavailable'), digest: digestSchema, message: shortTextSchema }),
  /** Run a function. `timeoutMs` is what is left of the caller's deadline. */
  z.object({
    kind: z.literal('invoke'),
    id,
    function: id,
    timeoutMs: z.int().min(1),
    /** All of the input, or the first of it when `streams`. */
    input: bytesSchema,
    traceparent: z.string().max(64).optional(),
    /** The request as it came in at the raw door. */
    http: requestHeadSchema.optional(),
    /** The rest of the input follows in `body` frames, and the answer may come in parts. */
    streams: z.boolean().optional(),
  }),
  body,
  credit,
  /** Send the last lines that this function wrote. */
  z.object({ kind: z.literal('logs'), id: count, function: id, limit: z.int().min(1).max(maxLogLines) }),
  /**
   * The batch of `outcomes` with this number is on disk here, and the agent may forget it; or it is not (`ok` false),
   * and comes again after a rest.
   */
  z.object({ kind: z.literal('recorded'), batch: count, ok: z.boolean() }),
  /** Nobody waits for this invocation any more. */
  z.object({ kind: z.literal('cancel'), id }),
  /** Send the Prometheus registry. */
  z.object({ kind: z.literal('scrape'), id: count }),
  /** The control plane goes away; come back, but not before this many milliseconds. */
  z.object({ kind: z.literal('drain'), retryAfterMs: count }),
  ping,
  pong,
]);

const load = {
  /** Bytes of memory available to new work on the device. */
  memoryAvailable: count,
  /** Invocations in a thread, those that wait there included. */
  running: count,
};

/** What went wrong with one function while applying a generation; the old revision of it, if any, still serves. */
export const applyErrorSchema = z.object({ function: id, code: z.enum(outcomeCodes), message: shortTextSchema });
export type ApplyError = z.infer<typeof applyErrorSchema>;

/** Outcome of an invocation: bytes of its output, or why there are none. */
export const outcomeSchema = z.object({
  kind: z.literal('outcome'),
  id,
  result: resultSchema,
  /** Revision that ran; 0 when none did. */
  revision: count,
  /** Time from the start in a thread to the result, in microseconds. */
  durationUs: count,
  /** True when the code had to be loaded into the runner first. */
  cold: z.boolean(),
  /** Head of an HTTP answer that came whole: `output` is its body. Absent when a `head` frame went before. */
  head: responseHeadSchema.optional(),
  /** After the last part of the body. */
  trailers: headersSchema.optional(),
  ...load,
});

/** Frames from an agent to the control plane. */
export const toControlSchema = z.discriminatedUnion('kind', [
  /** Answer to `challenge`: who is there, proven by a signature over `signedBytes`. */
  z.object({
    kind: z.literal('hello'),
    version: z.int(),
    /** Raw Ed25519 public key, 32 bytes. */
    publicKey: bytesSchema,
    /** Ed25519 signature, 64 bytes. */
    signature: bytesSchema,
    /** Host and port that the agent dialled; a control plane that has its names set takes no other. */
    host: z.string().max(300),
    name: nameSchema,
    labels: labelsSchema,
    agentVersion: z.string().max(64),
    /** Needed on first contact only. */
    joinToken: z.string().max(128).optional(),
    memoryTotal: count,
    ...load,
  }),
  /** Send this bundle from this offset on. A new `want` for the same digest replaces the one under way. */
  z.object({ kind: z.literal('want'), digest: digestSchema, offset: count }),
  /** All of this generation is in effect, but for the functions named in `errors`. */
  z.object({ kind: z.literal('applied'), generation: count, errors: z.array(applyErrorSchema).max(10_000) }),
  /** Periodic; repairs whatever was lost. */
  z.object({
    kind: z.literal('status'),
    generation: count,
    queued: count,
    /** Functions that ended their runner too often, and for how many milliseconds from now they rest. */
    held: z
      .array(z.object({ function: id, retryInMs: count }))
      .max(1_000)
      .optional(),
    /** Since protocol 3, absent before the first event. */
    outbox: outboxStateSchema.optional(),
    /** Triggers that the agent listens to. */
    triggers: z.array(triggerStateSchema).max(1_000).optional(),
    ...load,
  }),
  /** The invocation has been given to a thread; from here on it may have had effects. */
  z.object({ kind: z.literal('accepted'), id }),
  /** The function has begun to answer; parts of the body follow, then the outcome. */
  z.object({ kind: z.literal('head'), id, ...responseHeadSchema.shape }),
  body,
  credit,
  z.object({ kind: z.literal('lines'), id: count, lines: z.array(logLineSchema).max(maxLogLines) }),
  outcomeSchema,
  /** Outcomes of events, oldest first; they come again until `recorded` says otherwise. Numbers count per tunnel. */
  z.object({ kind: z.literal('outcomes'), batch: count, outcomes: z.array(recordedOutcomeSchema).max(maxOutcomes) }),
  z.object({ kind: z.literal('metrics'), id: count, text: z.string().max(1024 * 1024) }),
  /** The agent finishes what it has and takes no new invocation. */
  z.object({ kind: z.literal('drain') }),
  ping,
  pong,
]);

export type ToAgent = z.output<typeof toAgentSchema>;
export type ToControl = z.output<typeof toControlSchema>;
/** One kind of frame, by its name. */
export type FrameOf<Union extends { kind: string }, Kind extends Union['kind']> = Extract<Union, { kind: Kind }>;

/**
 * The bytes that `hello` signs. The host keeps a signature given to one control plane from being used at another,
 * the nonce keeps it from being used twice.
 */
export function signedBytes(nonce: Uint8Array, host: string): Uint8Array {
  return Buffer.concat([Buffer.from(`skerry-tunnel\0${host}\0`), nonce]);
}
