/**
 * Sinks: the destinations of outcomes. A sink has FunLess's form, `{"type": "couchdb", "params": {…}}`. Of the CouchDB
 * parameters, FunLess knows `url`, `username` and `password`.
 */
import * as z from 'zod';
import { brokerAddressFields, qosSchema, topicSchema } from './mqtt-broker.ts';
import { nameSchema, textSchema } from './names.ts';
import { retrySchema } from './retry.ts';

/** Maximum number of sinks of one function. */
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

const commonSinkFields = {
  /** True: the document contains function, revision, agent, trigger, times and input besides the result. */
  envelope: z.boolean().default(false),
  /** True: deliver one at a time, in the order in which the invocations ended. A failing delivery blocks later ones. */
  ordered: z.boolean().default(false),
  /** The outcomes to deliver. FunLess delivers successes. Failures need an envelope. */
  on: z.enum(['success', 'failure', 'all']).default('success'),
  /**
   * Retry policy for a document that the sink rejects. After the last attempt the document is a dead letter. A sink
   * that cannot be reached, or that refuses all clients, costs no attempt: its deliveries wait.
   */
  retry: retrySchema(10),
};

const credentials = {
  username: textSchema(1_024).optional(),
  password: textSchema(4_096).optional(),
  password_secret: nameSchema.optional(),
  /** PEM of the certificate authorities to trust instead of the system's. */
  ca: textSchema(65_536).optional(),
};

/** @returns the name of the database. Undefined if there is none, or if CouchDB reserves the name */
export function findCouchDatabase({ url, database }: { readonly url: string; readonly database?: string | undefined }) {
  const last = URL.parse(url)
    ?.pathname.split('/')
    .findLast((part) => part !== '');
  const name = database ?? (last === undefined ? undefined : decodePart(last));
  return name?.startsWith('_') ? undefined : name;
}

function decodePart(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

export const couchdbParamsSchema = z
  .strictObject({
    /** URL of the server, or, as in FunLess, of the database itself. */
    url: httpUrl,
    /** Name of the database, if `url` is the URL of the server. */
    database: textSchema(238)
      .regex(/^[a-z][a-z0-9_$()+/-]*$/, 'must be a-z, 0-9 and _$()+/-, beginning with a letter')
      .optional(),
    ...credentials,
    /** True: create a missing database. */
    create: z.boolean().default(false),
    ...commonSinkFields,
  })
  .refine((params) => params.database !== undefined || findCouchDatabase(params) !== undefined, {
    path: ['database'],
    message: 'must be given, unless url ends with it',
  });
export type CouchdbParams = z.output<typeof couchdbParamsSchema>;

export const httpSinkParamsSchema = z.strictObject({
  /** URL to which each document is POSTed. */
  url: httpUrl,
  ...credentials,
  /** Token of `Authorization: Bearer …`, in place of user and password. */
  token: textSchema(8_192).optional(),
  token_secret: nameSchema.optional(),
  ...commonSinkFields,
});
export type HttpSinkParams = z.output<typeof httpSinkParamsSchema>;

export const mqttSinkParamsSchema = z.strictObject({
  ...brokerAddressFields,
  /** Topic to which each document is published. */
  topic: topicSchema,
  qos: qosSchema.default(1),
  retain: z.boolean().default(false),
  ...commonSinkFields,
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
/** A sink with all defaults. */
export type Sink = z.output<typeof sinkSchema>;

/** A sink that is ready for deliveries: with its id, and with credentials in place of the names of secrets. */
export type ReadySink = { readonly id: string } & Sink;
