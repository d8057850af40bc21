/** Faults of a broker connection, described for a person in one line. */
import { expect, test } from 'vitest';
import { describeFault } from './fault.ts';

const failed = (code: string, message = 'x') => Object.assign(new Error(message), { code });

test.each([
  ['ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', 'TLS: the broker requires a client certificate'],
  ['ERR_SSL_SSL/TLS_ALERT_BAD_CERTIFICATE', 'TLS: the broker refuses our certificate'],
  ['ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED', 'TLS: our certificate has expired'],
  ['ERR_SSL_TLSV1_ALERT_UNKNOWN_CA', 'TLS: the broker does not trust the authority of our certificate'],
  ['EPROTO', 'TLS: the broker refuses the handshake; it may require a client certificate'],
  ['ERR_SSL_WRONG_VERSION_NUMBER', 'TLS: the broker does not speak TLS on this port'],
])('%s is described', (code, words) => {
  expect(describeFault(failed(code, '40D39F:error:0A00045C:SSL routines:ssl3_read_bytes\n'))).toBe(words);
});

test('an unknown error is described in one line', () => {
  expect(describeFault(failed('ERR_SSL_NO_SUCH', 'error:1:\n  routines\n'))).toBe('TLS: error:1: routines');
  expect(describeFault(new Error('a\n\tb'))).toBe('a b');
});
