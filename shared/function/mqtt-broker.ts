/**
 * The address of an MQTT broker, and the syntax of topics. Triggers subscribe to a broker, sinks publish to it. The
 * rules for topics are those of MQTT 5.0, section 4.7. MQTT 3.1.1 has the same rules.
 */
import * as z from 'zod';
import { nameSchema, textSchema } from './names.ts';

const maxTopicBytes = 1_024;
/** Maximum length of a PEM text, in characters. Chains of certificates fit. */
const maxPemCharacters = 65_536;

/**
 * FunLess sends the port as text. Text that is no number is an invalid port, like 0, and not a value of a wrong type.
 */
const portSchema = z.preprocess(
  (port) => (typeof port === 'string' ? Number(/^\d{1,5}$/.exec(port)?.[0] ?? 0) : port),
  z.int('must be a port, 1 to 65535').min(1, 'must be a port, 1 to 65535').max(65_535, 'must be a port, 1 to 65535'),
);

const pem = textSchema(maxPemCharacters);

const topicText = textSchema(maxTopicBytes).min(1, "can't be blank");

/** Quality of service (MQTT 5.0, section 4.3): at most once, at least once, exactly once. */
export const qosSchema = z.union([z.literal(0), z.literal(1), z.literal(2)], 'must be 0, 1 or 2');

/** A topic to publish to. It has no wildcards. */
export const topicSchema = topicText.refine((topic) => !/[+#]/.test(topic), 'must have no wildcards');

/** A topic filter to subscribe to. `+` stands for one whole level. `#` stands for all further levels and comes last. */
export const topicFilterSchema = topicText
  .refine(
    (filter) => !filter.startsWith('$share/'),
    'must not contain the group of a shared subscription: give the group as share',
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
 * The fields of a broker's address. A credential is either a value or the name of a secret (`…_secret`). The control
 * plane stores a value sealed and never returns it.
 */
export const brokerAddressFields = {
  /** Host name or IP address, without a scheme. */
  host: textSchema(253).regex(/^[A-Za-z0-9_.:-]+$/, 'must be the name or the address of a host'),
  /** Default: 8883 with TLS, else 1883. */
  port: portSchema.optional(),
  version: z.enum(['3.1.1', '5']).default('3.1.1'),
  username: textSchema(1_024).optional(),
  password: textSchema(4_096).optional(),
  password_secret: nameSchema.optional(),
  /** `true`: TLS with the certificate authorities that the system trusts. */
  tls: z
    .union([
      z.boolean(),
      z.strictObject({
        /** PEM of the certificate authorities to trust instead of the system's. */
        ca: pem.optional(),
        /** PEM of the client's certificate. */
        cert: pem.optional(),
        /** PEM of the client's key. */
        key: pem.optional(),
        key_secret: nameSchema.optional(),
        /** Name in the broker's certificate, if it differs from `host`. */
        servername: textSchema(253).optional(),
      }),
    ])
    .default(false),
};

const brokerAddressSchema = z.object(brokerAddressFields);
/** The address of a broker, with all defaults. */
export type BrokerAddress = z.output<typeof brokerAddressSchema>;

/** @returns the port to dial */
export function effectivePort({ port, tls }: Pick<BrokerAddress, 'port' | 'tls'>): number {
  return port ?? (tls ? 8_883 : 1_883);
}
