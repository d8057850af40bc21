/**
 * Where outcomes go. A sink is written as FunLess writes it, `{"type": "couchdb", "params": {…}}`; FunLess knows `url`,
 * `username` and `password` of CouchDB's.
 */
import * as z from 'zod';
import { brokerAddressFields, qosSchema, topicSchema } from './mqtt-broker.ts';
import { nameSchema, textSchema } from './names.ts';
import { retrySchema } from './retry.ts';

/** Sinks of one function at most. */
export const maxSinks = 16;

const httpUrl = textSchema(2_048)
  .refine((text) => /^https?:$/.test(URL.parse(text)?.protocol ?? ''), 'must be an http:// or https:// address')
  .refine((text) => {
    const url = URL.parse(text);
    return !url?.username && !url?.password;
  }, 'must have no user and password in it: give them as username and password')
  .refine(
    (text) => !/[?#]/.test(text),
    'must have no query and no fragment: give credentials as parameters of their own',
  );

const everySink = {
  /** The document is not the result alone, but also function, revision, agent, trigger, times and input. */
  envelope: z.boolean().default(false),
  /** One after another, in the order in which the invocations ended; one that cannot be delivered stops the rest. */
  ordered: z.boolean().default(false),
  /** Which outcomes: FunLess delivers results of invocations that went well. Others come with an envelope only. */
  on: z.enum(['success', 'failure', 'all']).default('success'),
  /**
   * For a document that the other side takes badly; after so many attempts it is a dead letter. A sink that cannot be
   * reached, or refuses whoever comes, costs no attempt: its deliveries wait.
   */
  retry: retrySchema(10),
};

const credentials = {
  username: textSchema(1_024).optional(),
  password: textSchema(4_096).optional(),
  password_secret: nameSchema.optional(),
  /** PEM of the authorities to trust instead of the system's. */
  ca: textSchema(65_536).optional(),
};

/** Name of the database that is meant; undefined when there is none, or one that CouchDB keeps for itself. */
export function findCouchDatabase({ url, database }: { readonly url: string; readonly database?: string | undefined }) {
  const last = URL.parse(url)
    ?.pathname.split('/')
    .findLast((part) => part !== '');
  const name = database ?? (last === undefined ? undefined : decoded(last));
  return name?.startsWith('_') ? undefined : name;
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

export const couchdbParamsSchema = z
  .strictObject({
    /** Of the server, or of the database itself as FunLess has it. */
    url: httpUrl,
    /** Name of the database, where `url` is the server's. */
    database: textSchema(238)
      .regex(/^[a-z][a-z0-9_$()+/-]*$/, 'must be a-z, 0-9 and _$()+/-, beginning with a letter')
      .optional(),
    ...credentials,
    /** Make the database when it is absent. */
    create: z.boolean().default(false),
    ...everySink,
  })
  .refine((params) => params.database !== undefined || findCouchDatabase(params) !== undefined, {
    path: ['database'],
    message: 'must be given, unless url ends with it',
  });
export type CouchdbParams = z.output<typeof couchdbParamsSchema>;

export const httpSinkParamsSchema = z.strictObject({
  /** Where each document is POSTed to. */
  url: httpUrl,
  ...credentials,
  /** `Authorization: Bearer …`, instead of user and password. */
  token: textSchema(8_192).optional(),
  token_secret: nameSchema.optional(),
  ...everySink,
});
export type HttpSinkParams = z.output<typeof httpSinkParamsSchema>;

export const mqttSinkParamsSchema = z.strictObject({
  ...brokerAddressFields,
  /** Where each document is published. */
  topic: topicSchema,
  qos: qosSchema.default(1),
  retain: z.boolean().default(false),
  ...everySink,
});
export type MqttSinkParams = z.output<typeof mqttSinkParamsSchema>;

export const sinkSchema = z.discriminatedUnion(
  'type',
  [
    z.strictObject({ type: z.literal('couchdb'), params: couchdbParamsSchema }),
    z.strictObject({ type: z.literal('http'), params: httpSinkParamsSchema }),
    z.strictObject({ type: z.literal('mqtt'), params: mqttSinkParamsSchema }),
  ],
  'must be "couchdb", "http" or "mqtt"',
);
/** A sink, all defaults filled in. */
export type Sink = z.output<typeof sinkSchema>;

/** A sink with its id, and with its credentials in place of the names of secrets: what whoever delivers needs. */
export type ReadySink = { readonly id: string } & Sink;
