/**
 * Triggers: MQTT topics and schedules, which start invocations without an API call. A trigger has the form of FunLess's
 * events, `{"type": "mqtt", "params": {…}}`. Of the MQTT parameters, FunLess knows `host`, `port` and `topic`.
 */
import * as z from 'zod';
import { brokerAddressFields, qosSchema, topicFilterSchema } from './mqtt-broker.ts';
import { nameSchema, textSchema } from './names.ts';
import { describeCronProblem, isTimeZone } from './schedule.ts';

/** Maximum size of a schedule's input, in bytes as JSON. */
const maxArgsBytes = 65_536;

/** Maximum number of triggers of one function. */
export const maxTriggers = 32;

/**
 * `cloud`: one control plane listens. `edge`: each agent that holds the function listens, even while it is offline.
 */
const placementSchema = z.enum(['cloud', 'edge']).default('cloud');

const queueFields = {
  /**
   * Maximum number of concurrent invocations of this trigger, per control plane or agent. 1 keeps the message order.
   */
  concurrency: z.int().min(1).max(1_000).default(1),
  /** Maximum number of waiting events, per control plane or agent. */
  max_pending: z.int().min(1).max(1_000_000).default(10_000),
};

export const mqttParamsSchema = z.strictObject({
  ...brokerAddressFields,
  placement: placementSchema,
  topic: topicFilterSchema,
  /** Requested QoS. The broker delivers a message with the lower of this and the publisher's QoS. */
  qos: qosSchema.default(1),
  /** Group of a shared subscription: each message goes to one member (`$share/{group}/{topic}`). */
  share: nameSchema.optional(),
  /** `persistent`: the broker keeps messages of QoS 1 and 2 while the listener is away. `clean`: it does not. */
  session: z.enum(['persistent', 'clean']).default('persistent'),
  /** `json`: the input is the payload, which must be JSON. `raw`: the input is any payload, unchanged. */
  payload: z.enum(['json', 'raw']).default('json'),
  /** True: the input is `{"topic", "time", "payload"}`. A raw payload is then base64, with `"encoding": "base64"`. */
  envelope: z.boolean().default(false),
  /**
   * Path of the sender's message id in a JSON payload: keys, separated by dots. Messages of one trigger with the same
   * id are one event.
   */
  message_id: textSchema(256)
    .regex(/^[^.]+(?:\.[^.]+)*$/, 'must be keys with dots between them')
    .optional(),
  /** Retained messages to take: all, those of the first subscription only, or none. */
  retained: z.enum(['all', 'first', 'none']).default('first'),
  ...queueFields,
  /**
   * When the queue is full, `hold` leaves messages of QoS 1 and 2 with the broker. `drop_oldest` drops waiting events.
   */
  when_full: z.enum(['hold', 'drop_oldest']).default('hold'),
  /** True: store invalid payloads as dead letters. False: only count them. */
  dead_letter: z.boolean().default(false),
});
/** Parameters of an MQTT trigger with all defaults. */
export type MqttParams = z.output<typeof mqttParamsSchema>;

export const scheduleParamsSchema = z.strictObject({
  placement: placementSchema,
  /** Five fields, or six with the seconds first. */
  cron: textSchema(256).superRefine((cron, context) => {
    const problem = describeCronProblem(cron);
    if (problem) context.addIssue(problem);
  }),
  /** A name of the IANA time zone database. */
  timezone: textSchema(64).refine(isTimeZone, 'must be the name of a time zone, as Europe/Rome').default('UTC'),
  /** Ticks that no listener saw: `skip` leaves them out, `once` runs one for all of them. */
  missed: z.enum(['skip', 'once']).default('skip'),
  /** Input of the function: any JSON value. */
  args: z
    .unknown()
    .refine(
      (args) => Buffer.byteLength(JSON.stringify(args ?? null)) <= maxArgsBytes,
      'must have at most 64 KiB as JSON',
    )
    .default({}),
  concurrency: queueFields.concurrency,
  max_pending: queueFields.max_pending,
});
/** Parameters of a schedule with all defaults. */
export type ScheduleParams = z.output<typeof scheduleParamsSchema>;

export const triggerSchema = z.discriminatedUnion(
  'type',
  [
    z.strictObject({ type: z.literal('mqtt'), params: mqttParamsSchema }),
    z.strictObject({ type: z.literal('schedule'), params: scheduleParamsSchema }),
  ],
  'must be "mqtt" or "schedule"',
);
/** A trigger with all defaults. */
export type Trigger = z.output<typeof triggerSchema>;

/** A trigger that is ready to listen: with its id, and with credentials in place of the names of secrets. */
export type ReadyTrigger = { readonly id: string } & Trigger;

/**
 * State of a trigger in one process that listens to it. Times are milliseconds since the epoch, by that host's clock.
 */
export const triggerStateSchema = z.object({
  /** Id of the trigger. */
  id: z.string().min(1).max(64),
  /** `up`: it listens. `holding`: it listens, and leaves messages with the broker for lack of room. */
  state: z.enum(['connecting', 'up', 'holding', 'failing']),
  /** Start of the connection, or of the schedule. */
  since: z.int().min(0).optional(),
  lastMessage: z.int().min(0).optional(),
  /** The next tick of a schedule. */
  next: z.int().min(0).optional(),
  /** This count and the next three start when the process begins to listen. */
  received: z.int().min(0),
  run: z.int().min(0),
  failed: z.int().min(0),
  dropped: z.int().min(0),
  /** Number of waiting events. */
  pending: z.int().min(0),
  error: z.string().max(1_024).optional(),
});
export type TriggerState = z.infer<typeof triggerStateSchema>;
