/**
 * One authenticated socket of an agent: frames in and out, liveness, one way to end. It knows nothing of functions.
 *
 * Invariants: after `onClose` nothing is delivered. A dead peer is terminated, not closed, because it would never
 * answer the close. Frames that are sent after the end are dropped.
 */
import { createBatch } from '@skerry/shared/tunnel/batch.ts';
import { type CloseName, closeKinds, closeReason } from '@skerry/shared/tunnel/close.ts';
import { CodecError, controlCodec } from '@skerry/shared/tunnel/codec.ts';
import { createLiveness } from '@skerry/shared/tunnel/liveness.ts';
import type { ToAgent, ToControl } from '@skerry/shared/tunnel/protocol.ts';
import type { RawData, WebSocket } from 'ws';

type ConnectionHandlers = {
  onFrame(frame: Exclude<ToControl, { kind: 'ping' | 'pong' | 'hello' }>): void;
  /** Called exactly once. `reason` is for logs and for the callers who lose their calls. */
  onClose(reason: string): void;
};

export type TunnelConnection = {
  send(frame: ToAgent): void;
  /** Sends encoded frames: the same desired state goes to many agents. */
  sendEncoded(frame: Uint8Array): void;
  /** Sends at once, and resolves when the operating system has the frame or the connection is gone. */
  deliver(frame: ToAgent): Promise<void>;
  close(name: CloseName, message?: string): void;
  /** Ends without a close frame. */
  terminate(reason: string): void;
  readonly open: boolean;
  /** Bytes that the operating system has not taken yet: a slow link or a stalled peer. */
  readonly backlog: number;
};

/** Milliseconds that a peer may take to answer a close before its socket is cut. */
const closeGraceMs = 1_000;

export function createConnection(
  socket: WebSocket,
  pingIntervalMs: number,
  handlers: ConnectionHandlers,
): TunnelConnection {
  const liveness = createLiveness();
  const batch = createBatch((message) => {
    if (socket.readyState === socket.OPEN) socket.send(message);
  });
  let open = true;
  let grace: NodeJS.Timeout | undefined;

  const ended = (reason: string) => {
    if (!open) return;
    open = false;
    clearInterval(pings);
    handlers.onClose(reason);
  };
  const terminate = (reason: string) => {
    socket.terminate();
    ended(reason);
  };
  const close = (name: CloseName, message: string = closeKinds[name].meaning) => {
    if (!open) return;
    batch.flush();
    socket.close(closeKinds[name].code, closeReason(message));
    grace = setTimeout(() => socket.terminate(), closeGraceMs);
    ended(message);
  };
  const send = (frame: ToAgent) => {
    if (open) batch.add(controlCodec.encode(frame));
  };

  const pings = setInterval(() => {
    const n = liveness.tick();
    if (n === 'dead') terminate(closeKinds.dead_peer.meaning);
    else send({ kind: 'ping', n });
  }, pingIntervalMs);

  const receive = (frame: ToControl) => {
    if (frame.kind === 'ping') send({ kind: 'pong', n: frame.n });
    else if (frame.kind === 'hello') close('bad_frame', 'a second hello');
    else if (frame.kind !== 'pong') handlers.onFrame(frame);
  };

  socket.on('message', (data: RawData, isBinary: boolean) => {
    if (!open) return;
    liveness.heard();
    if (!isBinary) return close('bad_frame', 'a text message');
    try {
      for (const frame of controlCodec.decode(data as Buffer)) {
        if (!open) return;
        receive(frame);
      }
    } catch (error) {
      if (error instanceof CodecError) close(error.close, error.message);
      else throw error;
    }
  });
  socket.on('close', (code) => {
    clearTimeout(grace);
    ended(`the connection was closed (${code})`);
  });

  return {
    send,
    sendEncoded(frame) {
      if (open) batch.add(frame);
    },
    deliver(frame) {
      if (!open) return Promise.resolve();
      const message = controlCodec.encode(frame);
      batch.flush();
      return new Promise((resolve) => socket.send(message, () => resolve()));
    },
    close,
    terminate,
    get open() {
      return open;
    },
    get backlog() {
      return socket.bufferedAmount;
    },
  };
}
