/**
 * One connection to the control plane, from dialling to its end: answers the challenge, sends keep-alives, passes
 * frames on. It never redials; state.ts decides the next step after its end.
 *
 * Invariants: `onClosed` is called exactly once. The handshake has a deadline on this end too. A dead peer is
 * terminated, because it would not answer a close.
 */
import { createBatch } from '@skerry/shared/tunnel/batch.ts';
import { closeKinds, closeReason } from '@skerry/shared/tunnel/close.ts';
import { agentCodec, CodecError } from '@skerry/shared/tunnel/codec.ts';
import { createLiveness } from '@skerry/shared/tunnel/liveness.ts';
import {
  type FrameOf,
  maxFrameBytes,
  type ToAgent,
  type ToControl,
  tunnelPath,
} from '@skerry/shared/tunnel/protocol.ts';
import { type RawData, WebSocket } from 'ws';

export type Hello = FrameOf<ToControl, 'hello'>;
export type Welcome = FrameOf<ToAgent, 'welcome'>;
/** Frames for the agent once the tunnel is up. */
export type ControlFrame = Exclude<ToAgent, { kind: 'ping' | 'pong' | 'challenge' | 'welcome' }>;

type DialOptions = {
  /** `http:` or `https:` address of the control plane. */
  readonly server: URL;
  /** Deadline for connecting and the handshake together, in milliseconds. */
  readonly handshakeTimeoutMs: number;
  readonly hello: (nonce: Uint8Array, host: string) => Hello;
};

type DialHandlers = {
  onOpened(): void;
  onWelcome(welcome: Welcome): void;
  onFrame(frame: ControlFrame): void;
  /** `code` as in shared/tunnel/close.ts; 1006 when there was none. */
  onClosed(code: number, reason: string): void;
};

export type Line = {
  /** Dropped when the connection is not open: the next comparison of states repairs it. */
  send(frame: ToControl): void;
  /** Bytes that wait to be sent. */
  readonly backlog: number;
  close(): void;
};

/** Time for the other side to answer a close before the socket is cut, in milliseconds. */
const closeGraceMs = 1_000;
/** Close code for "no close frame was seen" (RFC 6455, section 7.1.5). */
const abnormalClosure = 1006;

/**
 * RFC 6455, section 10.3: a client masks its frames, so that the author of the content cannot choose the bytes that a
 * proxy on the way sees. Without a proxy, or with encryption, a mask of zeros is enough and costs neither end anything;
 * masking was a quarter of the cost of a streamed body on both ends.
 */
const noMask = (mask: Buffer) => void mask.fill(0);
const loopback = new Set(['localhost', '127.0.0.1', '[::1]']);
const isPrivate = (url: URL) => url.protocol === 'wss:' || loopback.has(url.hostname);

export function dial({ server, handshakeTimeoutMs, hello }: DialOptions, handlers: DialHandlers): Line {
  const url = new URL(tunnelPath, server);
  url.protocol = server.protocol === 'https:' ? 'wss:' : 'ws:';
  const socket = new WebSocket(url, {
    perMessageDeflate: false,
    maxPayload: maxFrameBytes,
    handshakeTimeout: handshakeTimeoutMs,
    ...(isPrivate(url) && { generateMask: noMask }),
  });
  const liveness = createLiveness();
  const batch = createBatch((message) => {
    if (socket.readyState === socket.OPEN) socket.send(message);
  });
  let ended = false;
  let welcomed = false;
  let lastError: string | undefined;
  let pings: NodeJS.Timeout | undefined;
  let grace: NodeJS.Timeout | undefined;

  const end = (code: number, reason: string) => {
    if (ended) return;
    ended = true;
    clearInterval(pings);
    clearTimeout(greeting);
    handlers.onClosed(code, reason);
  };
  const send = (frame: ToControl) => {
    if (!ended) batch.add(agentCodec.encode(frame));
  };
  const close = (code: number, reason: string) => {
    batch.flush();
    if (socket.readyState === socket.CONNECTING) socket.terminate();
    else socket.close(code, closeReason(reason));
    grace = setTimeout(() => socket.terminate(), closeGraceMs);
    end(code, reason);
  };
  const greeting = setTimeout(() => {
    socket.terminate();
    end(closeKinds.handshake_timeout.code, 'the control plane did not finish the handshake in time');
  }, handshakeTimeoutMs);

  const beat = () => {
    const n = liveness.tick();
    if (n !== 'dead') return send({ kind: 'ping', n });
    socket.terminate();
    end(closeKinds.dead_peer.code, closeKinds.dead_peer.meaning);
  };
  const take = (frame: ToAgent) => {
    switch (frame.kind) {
      case 'ping':
        return send({ kind: 'pong', n: frame.n });
      case 'pong':
        return;
      case 'challenge':
        return send(hello(frame.nonce, url.host));
      case 'welcome':
        if (welcomed) return close(closeKinds.bad_frame.code, 'a second welcome');
        welcomed = true;
        clearTimeout(greeting);
        pings = setInterval(beat, frame.pingIntervalMs);
        return handlers.onWelcome(frame);
      default:
        return handlers.onFrame(frame);
    }
  };

  socket.on('open', () => handlers.onOpened());
  socket.on('message', (data: RawData) => {
    liveness.heard();
    try {
      for (const frame of agentCodec.decode(data as Buffer)) if (!ended) take(frame);
    } catch (error) {
      if (!(error instanceof CodecError)) throw error;
      close(closeKinds[error.close].code, error.message);
    }
  });
  socket.on('error', (error) => {
    lastError = error.message;
  });
  socket.on('close', (code, reason) => {
    clearTimeout(grace);
    end(code, reason.toString() || (code === abnormalClosure && lastError) || `closed with code ${code}`);
  });

  return {
    send,
    get backlog() {
      return socket.bufferedAmount;
    },
    close: () => close(closeKinds.going_away.code, 'the agent is shutting down'),
  };
}
