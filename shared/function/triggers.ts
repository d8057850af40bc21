/**
 * What starts an invocation besides an API call: MQTT messages and schedules. A trigger is written as FunLess writes
 * its events, `{"type": "mqtt", "params": {…}}`; FunLess knows `host`, `port` and `topic` of them.
 */
import * as z from 'zod';
import { brokerAddressFields, qosSchema, topicFilterSchema } from './mqtt-broker.ts';
import { nameSchema, textSchema } from './names.ts';
import { describeCronProblem, isTimeZone } from './schedule.ts';

/** Bytes of a schedule's input, as JSON. */
const maxArgsBytes = 65_536;

/** Triggers of one function at most. */
export const maxTriggers = 32;

/**
 * `cloud`: the control plane listens, one of them where there are several. `edge`: each agent that holds the function
 * listens by itself, also while it is offline.
 */
const placementSchema = z.enum(['cloud', 'edge']).default('cloud');

const fullFields = {
  /** Invocations of this trigger at one time, in one place. 1 keeps the order of the messages. */
  concurrency: z.int().min(1).max(1_000).default(1),
  /** Events that may wait for their turn, in one place. */
  max_pending: z.int().min(1).max(1_000_000).default(10_000),
};

export const mqttParamsSchema = z.strictObject({
  ...brokerAddressFields,
  placement: placementSchema,
  topic: topicFilterSchema,
  /** Asked of the broker, which gives a message at the lower of this and the publisher's. */
  qos: qosSchema.default(1),
  /** Group of a shared subscription: each message goes to one of the group (`$share/{group}/{topic}`). */
  share: nameSchema.optional(),
  /** `persistent`: the broker keeps messages (QoS 1 and 2) for us while we are away, under a client id of ours. */
  session: z.enum(['persistent', 'clean']).default('persistent'),
  /** `json`: the payload is the function's input and must be JSON. `raw`: whatever it is, as it is. */
  payload: z.enum(['json', 'raw']).default('json'),
  /** The input is `{"topic", "time", "payload"}`; a raw payload is then in base64, with `"encoding": "base64"`. */
  envelope: z.boolean().default(false),
  /**
   * Where in a JSON payload the sender's own id of the message is, as a path of keys with dots. Two messages of one
   * trigger with the same id are one event.
   */
  message_id: textSchema(256)
    .regex(/^[^.]+(?:\.[^.]+)*$/, 'must be keys with dots between them')
    .optional(),
  /** Retained messages: all that come, those of the first subscription only, or none. */
  retained: z.enum(['all', 'first', 'none']).default('first'),
  ...fullFields,
  /** With no room for an event: `hold` leaves it with the broker (QoS 1 and 2), `drop_oldest` drops one that waits. */
  when_full: z.enum(['hold', 'drop_oldest']).default('hold'),
  /** Keep payloads that are not what they should be as dead letters, besides counting them. */
  dead_letter: z.boolean().default(false),
});
/** Complete parameters of an MQTT trigger. */
export type MqttParams = z.output<typeof mqttParamsSchema>;

export const scheduleParamsSchema = z.strictObject({
  placement: placementSchema,
  /** Five fields, or six with seconds first. */
  cron: textSchema(256).superRefine((cron, context) => {
    const problem = describeCronProblem(cron);
    if (problem) context.addIssue(problem);
  }),
  /** Name in the IANA time zone database. */
  timezone: textSchema(64).refine(isTimeZone, 'must be the name of a time zone, as Europe/Rome').default('UTC'),
  /** Ticks that came while nobody was there: left out, or run once however many they were. */
  missed: z.enum(['skip', 'once']).default('skip'),
  /** Input of the function: any JSON. */
  args: z
    .unknown()
    .refine(
      (args) => Buffer.byteLength(JSON.stringify(args ?? null)) <= maxArgsBytes,
      'must have at most 64 KiB as JSON',
    )
    .default({}),
  concurrency: fullFields.concurrency,
  max_pending: fullFields.max_pending,
});
/** Complete parameters of a schedule. */
export type ScheduleParams = z.output<typeof scheduleParamsSchema>;

export const triggerSchema = z.discriminatedUnion(
  'type',
  [
    z.strictObject({ type: z.literal('mqtt'), params: mqttParamsSchema }),
    z.strictObject({ type: z.literal('schedule'), params: scheduleParamsSchema }),
  ],
  'must be "mqtt" or "schedule"',
);
/** A trigger, all defaults filled in. */
export type Trigger = z.output<typeof triggerSchema>;

/** A trigger with its id, and with its credentials in place of the names of secrets: what whoever runs it needs. */
export type ReadyTrigger = { readonly id: string } & Trigger;

/** How a trigger is in one place where it runs. Times in milliseconds since the epoch, by that place's clock. */
export const triggerStateSchema = z.object({
  /** Of the trigger. */
  id: z.string().min(1).max(64),
  /** `up`: it listens. `holding`: it listens, and leaves messages with the broker because there is no room. */
  state: z.enum(['connecting', 'up', 'holding', 'failing']),
  /** Connected since; for a schedule, since it runs. */
  since: z.int().min(0).optional(),
  lastMessage: z.int().min(0).optional(),
  /** Next tick of a schedule. */
  next: z.int().min(0).optional(),
  /** Counted since this place began with the trigger. */
  received: z.int().min(0),
  run: z.int().min(0),
  failed: z.int().min(0),
  dropped: z.int().min(0),
  /** Events that wait for their turn. */
  pending: z.int().min(0),
  error: z.string().max(1_024).optional(),
});
export type TriggerState = z.infer<typeof triggerStateSchema>;
