/**
 * From an HTTP upgrade to an admitted agent. Everything before admission is bounded here: the number of connections in
 * their handshake, its duration, and the size of messages.
 */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { toSkerryError } from '@skerry/shared/errors.ts';
import { type CloseName, closeKinds, closeReason } from '@skerry/shared/tunnel/close.ts';
import { maxFrameBytes, tunnelPath } from '@skerry/shared/tunnel/protocol.ts';
import type { Logger } from 'pino';
import { type WebSocket, WebSocketServer } from 'ws';
import type { Admission } from '../../agents/admission.ts';
import type { AgentService } from '../../agents/agents.ts';
import { type HelloFrame, handshake, Refusal } from './handshake.ts';

export type Admitted = {
  socket: WebSocket;
  hello: HelloFrame;
  admission: Extract<Admission, { ok: true }>;
  protocolVersion: number;
};

export type UpgradeOptions = {
  readonly agents: Pick<AgentService, 'admit'>;
  readonly log: Logger;
  readonly handshakeTimeoutMs: number;
  /**
   * Names (host, with the port unless it is the scheme's default) under which agents may know this control plane.
   * Without any, the request's Host header counts: agents get in under any name, but a signature is then bound to no
   * name, and a server that an agent dials by mistake could pass the handshake on to here.
   */
  readonly tunnelHosts: readonly string[];
  /** Connections in their handshake at once; further ones get 503. Default 2,000. */
  readonly maxHandshakes?: number;
  /** Takes the agent over, or says why it cannot. */
  readonly onAdmitted: (admitted: Admitted) => CloseName | undefined;
};

export type Upgrade = {
  handle(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  /** Ends all handshakes and refuses new ones. */
  close(): void;
};

export function createUpgrade(options: UpgradeOptions): Upgrade {
  const { log, maxHandshakes = 2_000 } = options;
  const server = new WebSocketServer({ noServer: true, maxPayload: maxFrameBytes, perMessageDeflate: false });
  const closing = new AbortController();
  let handshakes = 0;

  const greet = async (socket: WebSocket, request: IncomingMessage) => {
    // ws reports broken framing and resets here, and closes by itself; without a listener the process would end.
    socket.on('error', (error) => log.debug({ reason: error.message }, 'tunnel socket'));
    const names = options.tunnelHosts.length > 0 ? options.tunnelHosts : [request.headers.host ?? ''];
    const hello = await handshake(socket, {
      hosts: new Set(names),
      timeoutMs: options.handshakeTimeoutMs,
      signal: closing.signal,
    });
    const admission = await options.agents.admit(hello);
    if (!admission.ok) throw new Refusal(admission.close, admission.message);
    if (socket.readyState !== socket.OPEN) throw new Refusal('going_away', 'the agent hung up');
    const refused = options.onAdmitted({ socket, hello, admission, protocolVersion: hello.version });
    if (refused) throw new Refusal(refused);
  };

  const refuse = (socket: WebSocket, error: unknown, request: IncomingMessage) => {
    const refusal = error instanceof Refusal ? error : undefined;
    const name = refusal?.close ?? (toSkerryError(error).code === 'store_unavailable' ? 'overloaded' : 'internal');
    log.warn({ from: request.socket.remoteAddress, close: name, err: refusal ? undefined : error }, 'tunnel refused');
    socket.close(closeKinds[name].code, closeReason(refusal?.message ?? closeKinds[name].meaning));
    // A silent peer will not answer the close either.
    setTimeout(() => socket.terminate(), 1_000).unref();
  };

  return {
    handle(request, socket, head) {
      const path = request.url?.split('?', 1)[0];
      if (path !== tunnelPath) return reject(socket, '404 Not Found');
      if (closing.signal.aborted || handshakes >= maxHandshakes) return reject(socket, '503 Service Unavailable');
      server.handleUpgrade(request, socket, head, (webSocket) => {
        handshakes += 1;
        const unlimit = limitBytes(socket, () => webSocket.terminate());
        greet(webSocket, request)
          .catch((error) => refuse(webSocket, error, request))
          .finally(() => {
            handshakes -= 1;
            unlimit();
          });
      });
    },
    close: () => closing.abort(),
  };
}

/** Bytes that a peer may send before it is admitted: a hello with all its labels, and room to spare. */
const maxUnadmittedBytes = 64 * 1024;

/** Calls back once when more than that has arrived; returns the function that lifts the limit. */
function limitBytes(socket: Duplex, onExceeded: () => void): () => void {
  let bytes = 0;
  const count = (chunk: Buffer) => {
    bytes += chunk.byteLength;
    if (bytes <= maxUnadmittedBytes) return;
    socket.off('data', count);
    onExceeded();
  };
  socket.on('data', count);
  return () => void socket.off('data', count);
}

/** Answers and closes for good, even when the other side keeps its half open: no other code watches this socket. */
function reject(socket: Duplex, status: string): void {
  socket.on('error', () => undefined);
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`, () => socket.destroy());
}
