/** A tunnel client driven by hand, so that a test can send anything and see every frame. */
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { once } from 'node:events';
import { agentCodec } from '@skerry/shared/tunnel/codec.ts';
import {
  type FrameOf,
  protocolVersion,
  signedBytes,
  type ToAgent,
  type ToControl,
} from '@skerry/shared/tunnel/protocol.ts';
import { WebSocket } from 'ws';

export type RawAgent = {
  send(frame: ToControl): void;
  sendBytes(bytes: Uint8Array): void;
  /** The next frame of this kind, or one that is already here. Frames of other kinds are kept for later. */
  next<K extends ToAgent['kind']>(kind: K): Promise<FrameOf<ToAgent, K>>;
  /** Kinds of all frames that have come, in order. */
  readonly kinds: readonly ToAgent['kind'][];
  /**
   * Answers the challenge, with parts of the answer replaced. The signature is for the dialled host, unless another is
   * given.
   */
  hello(changes?: Partial<FrameOf<ToControl, 'hello'>>, host?: string): Promise<void>;
  /** Resolves when the connection has ended. */
  readonly closed: Promise<{ code: number; reason: string }>;
  readonly socket: WebSocket;
  close(): void;
};

export function newKey(): KeyObject {
  return generateKeyPairSync('ed25519').privateKey;
}

export async function connectRaw(server: URL, key: KeyObject = newKey()): Promise<RawAgent> {
  const url = new URL('/v1/tunnel', server);
  url.protocol = 'ws:';
  const socket = new WebSocket(url, { perMessageDeflate: false });
  const arrived: ToAgent[] = [];
  const kinds: ToAgent['kind'][] = [];
  const wanted = new Set<() => void>();
  socket.on('error', () => undefined);
  socket.on('message', (data) => {
    const frames = agentCodec.decode(data as Buffer);
    arrived.push(...frames);
    kinds.push(...frames.map(({ kind }) => kind));
    for (const look of wanted) look();
  });
  const closed = once(socket, 'close').then(([code, reason]) => ({ code: Number(code), reason: String(reason) }));
  await once(socket, 'open');

  const agent: RawAgent = {
    send: (frame) => socket.send(agentCodec.encode(frame)),
    sendBytes: (bytes) => socket.send(bytes),
    next: (kind) =>
      new Promise((resolve, reject) => {
        const look = () => {
          const at = arrived.findIndex((frame) => frame.kind === kind);
          if (at === -1) return;
          wanted.delete(look);
          resolve(arrived.splice(at, 1)[0] as never);
        };
        wanted.add(look);
        void closed.then(({ code, reason }) => reject(new Error(`closed (${code} ${reason}) before a ${kind} came`)));
        look();
      }),
    async hello(changes, host = url.host) {
      const { nonce } = await agent.next('challenge');
      const jwk = key.export({ format: 'jwk' });
      agent.send({
        kind: 'hello',
        version: protocolVersion,
        publicKey: Buffer.from(jwk.x ?? '', 'base64url'),
        signature: sign(null, signedBytes(nonce, host), key),
        host,
        name: 'raw',
        labels: {},
        agentVersion: 'test',
        memoryTotal: 2 ** 30,
        memoryAvailable: 2 ** 29,
        running: 0,
        ...changes,
      });
    },
    kinds,
    closed,
    socket,
    close: () => socket.terminate(),
  };
  return agent;
}

/** Connected, welcomed, and with its desired state. */
export async function connectGreeted(
  server: URL,
  changes?: Partial<FrameOf<ToControl, 'hello'>>,
  key?: KeyObject,
): Promise<RawAgent> {
  const agent = await connectRaw(server, key);
  await agent.hello(changes);
  await agent.next('welcome');
  return agent;
}
