/**
 * The variant `error-code` of wasi:http/types, as jco represents it. Names come from the agent
 * (runner/protocol/capability-requests.ts) and go to the guest as values; their payloads, which are all optional, stay
 * empty.
 */

/** A case of the variant with its payload, if it has one. */
export type ErrorCode = { readonly tag: string; readonly val?: unknown };

/** Cases whose payload is a record of options. */
const records: Readonly<Record<string, object>> = {
  'DNS-error': { rcode: undefined, infoCode: undefined },
  'TLS-alert-received': { alertId: undefined, alertMessage: undefined },
  'HTTP-request-trailer-size': { fieldName: undefined, fieldSize: undefined },
  'HTTP-response-header-size': { fieldName: undefined, fieldSize: undefined },
  'HTTP-response-trailer-size': { fieldName: undefined, fieldSize: undefined },
};

/** Every other case: without payload, or with one that is an option. */
const others: ReadonlySet<string> = new Set([
  'DNS-timeout',
  'destination-not-found',
  'destination-unavailable',
  'destination-IP-prohibited',
  'destination-IP-unroutable',
  'connection-refused',
  'connection-terminated',
  'connection-timeout',
  'connection-read-timeout',
  'connection-write-timeout',
  'connection-limit-reached',
  'TLS-protocol-error',
  'TLS-certificate-error',
  'HTTP-request-denied',
  'HTTP-request-length-required',
  'HTTP-request-body-size',
  'HTTP-request-method-invalid',
  'HTTP-request-URI-invalid',
  'HTTP-request-URI-too-long',
  'HTTP-request-header-section-size',
  'HTTP-request-header-size',
  'HTTP-request-trailer-section-size',
  'HTTP-response-incomplete',
  'HTTP-response-header-section-size',
  'HTTP-response-body-size',
  'HTTP-response-trailer-section-size',
  'HTTP-response-transfer-coding',
  'HTTP-response-content-coding',
  'HTTP-response-timeout',
  'HTTP-upgrade-failed',
  'HTTP-protocol-error',
  'loop-detected',
  'configuration-error',
  'internal-error',
]);

/** The case of this name; an unknown name becomes the message of an `internal-error`. */
export function errorCode(name: string): ErrorCode {
  if (others.has(name)) return { tag: name };
  const record = Object.hasOwn(records, name) ? records[name] : undefined;
  return record ? { tag: name, val: record } : { tag: 'internal-error', val: name };
}

/** Why a body broke off, with the case that `http-error-code` returns for it. */
export class BodyError extends Error {
  readonly httpCode: string;

  constructor(httpCode: string, message: string) {
    super(message);
    this.name = 'BodyError';
    this.httpCode = httpCode;
  }
}
