/** Certificates for TLS in tests: an authority, a server at 127.0.0.1, and a client, made by openssl. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export type Certificates = {
  /** PEM texts. */
  readonly ca: string;
  readonly client: { readonly cert: string; readonly key: string };
  /** Paths of files, for programs that read them. */
  readonly caFile: string;
  readonly serverCertFile: string;
  readonly serverKeyFile: string;
};

/** Valid for a day, for the address 127.0.0.1 and the name `broker.test`. */
export function makeCertificates(folder: string): Certificates {
  mkdirSync(folder, { recursive: true });
  const path = (name: string) => join(folder, name);
  const openssl = (...args: string[]) => execFileSync('openssl', args, { stdio: ['ignore', 'ignore', 'pipe'] });
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  openssl('req', '-x509', ...key, '-subj', '/CN=ca', '-days', '1', '-keyout', path('ca.key'), '-out', path('ca.crt'));
  writeFileSync(path('server.ext'), 'subjectAltName=IP:127.0.0.1,DNS:broker.test\n');
  writeFileSync(path('client.ext'), 'extendedKeyUsage=clientAuth\n');
  for (const name of ['server', 'client']) {
    const request = path(`${name}.csr`);
    openssl('req', ...key, '-subj', `/CN=${name}`, '-keyout', path(`${name}.key`), '-out', request);
    const authority = ['-CA', path('ca.crt'), '-CAkey', path('ca.key'), '-CAcreateserial'];
    const made = ['-extfile', path(`${name}.ext`), '-days', '1', '-out', path(`${name}.crt`)];
    openssl('x509', '-req', '-in', request, ...authority, ...made);
  }
  const text = (name: string) => readFileSync(path(name), 'utf8');
  return {
    ca: text('ca.crt'),
    client: { cert: text('client.crt'), key: text('client.key') },
    caFile: path('ca.crt'),
    serverCertFile: path('server.crt'),
    serverKeyFile: path('server.key'),
  };
}
