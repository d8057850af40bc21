/**
 * Connects to a broker for a trigger or a sink: never to a forbidden address, and over TLS only after its certificate
 * was verified.
 */
import { connect as connectPlain, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { forbiddenError, guardedLookup, isForbidden } from './forbidden-addresses.ts';

/** PEM texts are absent for the authorities that the system trusts, and for brokers that need no client certificate. */
export type OpenedBrokerAddress = {
  readonly host: string;
  readonly port: number;
  /** Whether to speak TLS. */
  readonly tls: unknown;
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  /** Name that the certificate must have, if not `host`. */
  readonly servername?: string | undefined;
};

/** @throws an error with the code `EACCES` for a forbidden address; when a certificate or a key cannot be read */
export function dialBroker({ host, port, tls, ca, cert, key, servername }: OpenedBrokerAddress): Socket {
  if (isForbidden(host)) throw forbiddenError(host);
  const to = { host, port, lookup: guardedLookup };
  if (!tls) return connectPlain({ ...to, noDelay: true });
  // A literal address is no server name (RFC 6066, section 3); Node then checks it against the certificate.
  const name = servername ?? (isIP(host) === 0 ? host : undefined);
  return connectTls({ ...to, servername: name, ca, cert, key, rejectUnauthorized: true }).setNoDelay(true);
}
