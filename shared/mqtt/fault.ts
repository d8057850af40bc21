/** Describes faults of a broker connection for a person. */

/** Codes of CONNACK (MQTT 3.1.1, section 3.2.2.3) and SUBACK (section 3.9.3). */
const reasonCodes: Readonly<Record<number, string>> = {
  1: 'the broker does not speak this version of MQTT',
  2: 'the broker refuses our client id',
  3: 'the broker is not available',
  4: 'bad user or password',
  5: 'not authorized',
  // Reason codes of MQTT 5.0 (section 2.4).
  128: 'refused without a reason',
  129: 'the broker reports a malformed packet',
  130: 'the broker reports a protocol error',
  131: 'the broker does not allow it',
  132: 'the broker does not speak this version of MQTT',
  133: 'the broker refuses our client id',
  134: 'bad user or password',
  135: 'not authorized',
  136: 'the broker is not available',
  137: 'the broker is busy',
  138: 'banned by the broker',
  139: 'the broker is shutting down',
  140: 'the broker requires another authentication method',
  141: 'the broker received nothing from us for too long',
  142: 'another client connected with the same client id',
  143: 'the broker refuses this topic filter',
  147: 'more messages in flight than agreed',
  149: 'a packet is too large',
  150: 'the message rate is too high for the broker',
  151: 'a quota of the broker is exceeded',
  152: 'the operator of the broker closed the connection',
  156: 'the broker redirects to another broker',
  157: 'the broker has moved',
  158: 'the broker does not support shared subscriptions',
  159: 'the connection rate is too high for the broker',
  161: 'the broker does not support subscription identifiers',
  162: 'the broker does not support wildcards',
};

/** Codes of the operating system, and of TLS. */
const systemCodes: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'the connection was cut',
  EPIPE: 'the connection was cut',
  ETIMEDOUT: 'the host does not answer',
  EHOSTUNREACH: 'the host cannot be reached',
  ENETUNREACH: 'the network cannot be reached',
  ENOTFOUND: 'no host has this name',
  EAI_AGAIN: 'the name of the host cannot be resolved now',
  // The other side ended the handshake during a write.
  EPROTO: 'TLS: the broker refuses the handshake; it may require a client certificate',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'TLS: the certificate is self-signed',
  SELF_SIGNED_CERT_IN_CHAIN: 'TLS: the authority is not trusted',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'TLS: the authority is not trusted',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'TLS: the authority is not trusted',
  CERT_HAS_EXPIRED: 'TLS: the certificate has expired',
  ERR_TLS_CERT_ALTNAME_INVALID: 'TLS: the certificate is for another name',
  ERR_SSL_WRONG_VERSION_NUMBER: 'TLS: the broker does not speak TLS on this port',
};

/**
 * TLS alerts with which a broker ends a handshake (RFC 8446, section 6.2). The keys are the end of OpenSSL's error
 * codes, behind `ALERT_`.
 */
const tlsAlerts: Readonly<Record<string, string>> = {
  CERTIFICATE_REQUIRED: 'TLS: the broker requires a client certificate',
  HANDSHAKE_FAILURE: 'TLS: the broker refuses the handshake; it may require a client certificate',
  BAD_CERTIFICATE: 'TLS: the broker refuses our certificate',
  UNSUPPORTED_CERTIFICATE: 'TLS: the broker refuses our certificate',
  CERTIFICATE_UNKNOWN: 'TLS: the broker refuses our certificate',
  CERTIFICATE_REVOKED: 'TLS: our certificate is revoked',
  CERTIFICATE_EXPIRED: 'TLS: our certificate has expired',
  UNKNOWN_CA: 'TLS: the broker does not trust the authority of our certificate',
  PROTOCOL_VERSION: 'TLS: the broker does not speak our TLS version',
};

const maxCharacters = 200;

/** Describes a reason code of the broker. */
export function describeReasonCode(code: number): string {
  return reasonCodes[code] ?? `the broker gives reason 0x${code.toString(16)}`;
}

/** Describes an error of the client in one line. The text contains no data that was sent. */
export function describeFault(error: unknown): string {
  // All addresses of a name failed. The first error describes them well enough.
  const first = error instanceof AggregateError ? error.errors[0] : error;
  const { code, message } = first as { code?: unknown; message?: unknown };
  if (typeof code === 'number') return describeReasonCode(code);
  if (message === 'connack timeout') return 'the broker does not answer';
  if (message === 'Keepalive timeout') return 'the broker stopped answering';
  const text = String(message ?? first)
    .replaceAll(/\s+/g, ' ')
    .trim()
    .slice(0, maxCharacters);
  if (typeof code !== 'string') return text;
  const known = systemCodes[code] ?? tlsAlerts[/^ERR_SSL_.*ALERT_([A-Z_]+)$/.exec(code)?.[1] ?? ''];
  return known ?? (/^ERR_(SSL|TLS|OSSL)/.test(code) ? `TLS: ${text}` : `${text} (${code})`);
}
