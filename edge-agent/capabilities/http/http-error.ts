/** The cause of a failed request as an error-code of wasi:http/types. Only codes of Node and OpenSSL are used. */
import type { HttpErrorCode } from './request.ts';

const codes: Readonly<Record<string, HttpErrorCode>> = {
  ECONNREFUSED: 'connection-refused',
  ECONNRESET: 'connection-terminated',
  EPIPE: 'connection-terminated',
  ETIMEDOUT: 'connection-timeout',
  EHOSTUNREACH: 'destination-unavailable',
  ENETUNREACH: 'destination-IP-unroutable',
  EADDRNOTAVAIL: 'destination-IP-unroutable',
  EACCES: 'destination-unavailable',
  EMFILE: 'connection-limit-reached',
  HPE_HEADER_OVERFLOW: 'HTTP-response-header-section-size',
  ERR_HTTP_CONTENT_LENGTH_MISMATCH: 'HTTP-request-body-size',
  ERR_TLS_CERT_ALTNAME_INVALID: 'TLS-certificate-error',
};

/** X509_verify_cert_error names, as Node gives them. */
const certificateCodes =
  /^(?:CERT_|UNABLE_TO_(?:GET|VERIFY|DECODE|DECRYPT)_|SELF_SIGNED_|DEPTH_ZERO_|INVALID_(?:CA|PURPOSE)|HOSTNAME_MISMATCH|ERR_TLS_CERT)/;

/** @returns `internal-error` for an unknown cause */
export function httpErrorCode(error: unknown): HttpErrorCode {
  const given = (error as { code?: unknown } | null)?.code;
  const code = typeof given === 'string' ? given : '';
  const known = codes[code];
  if (known !== undefined) return known;
  if (certificateCodes.test(code)) return 'TLS-certificate-error';
  if (code.includes('ALERT')) return 'TLS-alert-received';
  if (code.startsWith('ERR_SSL') || code.startsWith('ERR_TLS') || code === 'EPROTO') return 'TLS-protocol-error';
  return code.startsWith('HPE_') ? 'HTTP-protocol-error' : 'internal-error';
}
