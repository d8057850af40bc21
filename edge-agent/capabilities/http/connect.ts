/** Opens a connection to one address, plain or with TLS, ready to be written to. */
import { once } from 'node:events';
import { connect as connectPlain } from 'node:net';
import type { Duplex } from 'node:stream';
import { connect as connectTls } from 'node:tls';

type ConnectOptions = {
  /** The address to connect to; no name is looked up here. */
  readonly address: string;
  readonly port: number;
  /** With TLS, the host that the certificate must be for; absent: no TLS. */
  readonly tlsHost?: string;
  readonly signal: AbortSignal;
};

/** Rejects with the system's or OpenSSL's error, or the signal's; the socket is then closed. */
export type Connect = (options: ConnectOptions) => Promise<Duplex>;

/** @param ca trusted certificates; absent: those that Node trusts */
export function createConnect(ca?: string): Connect {
  return async ({ address, port, tlsHost, signal }) => {
    signal.throwIfAborted();
    const socket =
      tlsHost === undefined
        ? connectPlain({ host: address, port, noDelay: true })
        : connectTls({
            host: address,
            port,
            // A literal address is no server name (RFC 6066, section 3); Node then checks it against the certificate.
            ...(tlsHost === address ? {} : { servername: tlsHost }),
            ALPNProtocols: ['http/1.1'],
            // Set here, because an environment variable could turn verification off for the whole process.
            rejectUnauthorized: true,
            ...(ca === undefined ? {} : { ca }),
          });
    try {
      await once(socket, tlsHost === undefined ? 'connect' : 'secureConnect', { signal });
      return socket;
    } catch (error) {
      socket.on('error', () => {});
      socket.destroy();
      throw error;
    }
  };
}
