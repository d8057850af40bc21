/**
 * How to reach an MQTT broker, and the forms of topics: for triggers, which subscribe, and for sinks, which publish.
 * The rules on topics are those of MQTT 5.0, section 4.7 (3.1.1 has the same).
 */
import * as z from 'zod';
import { nameSchema, textSchema } from './names.ts';

const maxTopicBytes = 1_024;
/** Bytes of a PEM text: chains of certificates fit. */
const maxPemCharacters = 65_536;

/** FunLess gives the port as text. Text that is no number is a port out of form, as 0 is, and not of a wrong type. */
export const portSchema = z.preprocess(
  (port) => (typeof port === 'string' ? Number(/^\d{1,5}$/.exec(port)?.[0] ?? 0) : port),
  z.int('must be a port, 1 to 65535').min(1, 'must be a port, 1 to 65535').max(65_535, 'must be a port, 1 to 65535'),
);

const pem = textSchema(maxPemCharacters);

const topicText = textSchema(maxTopicBytes).min(1, "can't be blank");

/** Quality of service (MQTT 5.0, 4.3): at most once, at least once, exactly once. */
export const qosSchema = z.union([z.literal(0), z.literal(1), z.literal(2)], 'must be 0, 1 or 2');

/** A topic that messages are published to: no wildcards. */
export const topicSchema = topicText.refine((topic) => !/[+#]/.test(topic), 'must have no wildcards');

/** A topic filter: `+` stands for a whole level, `#` for all that follow and is the last one. */
export const topicFilterSchema = topicText
  .refine(
    (filter) => !filter.startsWith('$share/'),
    'must be without the group of a shared subscription: that is given as share',
  )
  .refine(
    (filter) =>
      filter
        .split('/')
        .every(
          (level, at, levels) => level === '+' || (level === '#' ? at === levels.length - 1 : !/[+#]/.test(level)),
        ),
    'must have "+" only as a whole level, and "#" only as the last one',
  );

/**
 * What a broker is reached with. A credential is given itself, or by the name of a secret (`…_secret`); itself, it is
 * kept sealed and never told again.
 */
export const brokerAddressFields = {
  /** Name or address; no scheme. */
  host: textSchema(253).regex(/^[A-Za-z0-9_.:-]+$/, 'must be the name or the address of a host'),
  /** 8883 with TLS, else 1883. */
  port: portSchema.optional(),
  version: z.enum(['3.1.1', '5']).default('3.1.1'),
  username: textSchema(1_024).optional(),
  password: textSchema(4_096).optional(),
  password_secret: nameSchema.optional(),
  /** `true`: TLS with the authorities that the system trusts. */
  tls: z
    .union([
      z.boolean(),
      z.strictObject({
        /** PEM of the authorities to trust instead of the system's. */
        ca: pem.optional(),
        /** PEM of the client's certificate. */
        cert: pem.optional(),
        /** PEM of the client's key. */
        key: pem.optional(),
        key_secret: nameSchema.optional(),
        /** Name that the broker's certificate must have, where that is not `host`. */
        servername: textSchema(253).optional(),
      }),
    ])
    .default(false),
};

export const brokerAddressSchema = z.object(brokerAddressFields);
/** A broker, all defaults filled in. */
export type BrokerAddress = z.output<typeof brokerAddressSchema>;

/** The port to dial. */
export function effectivePort({ port, tls }: Pick<BrokerAddress, 'port' | 'tls'>): number {
  return port ?? (tls ? 8_883 : 1_883);
}
