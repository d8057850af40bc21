/**
 * The first frames of a connection: `challenge` out, `hello` in, until the agent has proven its key and was admitted.
 *
 *     control plane                     agent
 *       challenge(nonce)  ───────────▶
 *                         ◀───────────  hello(key, signature over host and nonce, join token?)
 *       welcome | close   ───────────▶
 *
 * Invariants: one deadline covers all of it; nothing but `hello` is taken; a nonce serves one connection.
 */
import { createPublicKey, randomBytes, verify } from 'node:crypto';
import { type CloseName, closeKinds } from '@skerry/shared/tunnel/close.ts';
import { CodecError, controlCodec } from '@skerry/shared/tunnel/codec.ts';
import { type FrameOf, signedBytes, supportedVersions, type ToControl } from '@skerry/shared/tunnel/protocol.ts';
import type { RawData, WebSocket } from 'ws';

export type HelloFrame = FrameOf<ToControl, 'hello'>;

/** Why a connection was turned away; `close` tells the agent what to do next. */
export class Refusal extends Error {
  readonly close: CloseName;
  constructor(close: CloseName, message: string = closeKinds[close].meaning) {
    super(message);
    this.name = 'Refusal';
    this.close = close;
  }
}

type HandshakeOptions = {
  /** Names under which agents may know this control plane: the request's Host header and those of the setting. */
  readonly hosts: ReadonlySet<string>;
  readonly timeoutMs: number;
  /** Aborts when the server drains. */
  readonly signal: AbortSignal;
};

/**
 * Resolves with a `hello` whose signature is valid; admission is decided elsewhere. Rejects with a Refusal; the caller
 * closes the socket.
 */
export async function handshake(socket: WebSocket, options: HandshakeOptions): Promise<HelloFrame> {
  const nonce = randomBytes(32);
  const reply = nextMessage(socket, options);
  socket.send(controlCodec.encode({ kind: 'challenge', nonce, versions: [...supportedVersions] }));
  const hello = parseHello(await reply);
  if (!supportedVersions.includes(hello.version)) {
    throw new Refusal('version_unsupported', `protocol version ${hello.version} is not one of ${supportedVersions}`);
  }
  if (!options.hosts.has(hello.host)) {
    throw new Refusal('bad_signature', `signed for host ${hello.host}, which is not this control plane`);
  }
  if (!signatureIsGood(hello, nonce)) throw new Refusal('bad_signature');
  return hello;
}

function nextMessage(socket: WebSocket, { timeoutMs, signal }: HandshakeOptions): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const settle = (finish: () => void) => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      socket.off('message', onMessage);
      socket.off('close', onClose);
      finish();
    };
    const timer = setTimeout(() => settle(() => reject(new Refusal('handshake_timeout'))), timeoutMs);
    const onAbort = () => settle(() => reject(new Refusal('going_away')));
    const onClose = () => settle(() => reject(new Refusal('going_away', 'the agent hung up')));
    const onMessage = (data: RawData, isBinary: boolean) =>
      settle(() => (isBinary ? resolve(data as Buffer) : reject(new Refusal('bad_frame', 'a text message'))));
    signal.addEventListener('abort', onAbort);
    socket.on('message', onMessage);
    socket.on('close', onClose);
  });
}

function parseHello(message: Buffer): HelloFrame {
  try {
    const [frame, ...rest] = controlCodec.decode(message);
    if (frame?.kind === 'hello' && rest.length === 0) return frame;
  } catch (error) {
    if (error instanceof CodecError) throw new Refusal(error.close, error.message);
    throw error;
  }
  throw new Refusal('bad_frame', 'the first message must be one hello');
}

/** SubjectPublicKeyInfo header of a raw Ed25519 key (RFC 8410, section 4). */
const spkiPrefix = Buffer.from('302a300506032b6570032100', 'hex');

function signatureIsGood(hello: HelloFrame, nonce: Uint8Array): boolean {
  if (hello.publicKey.byteLength !== 32 || hello.signature.byteLength !== 64) return false;
  const key = createPublicKey({ key: Buffer.concat([spkiPrefix, hello.publicKey]), format: 'der', type: 'spki' });
  return verify(null, signedBytes(nonce, hello.host), key, hello.signature);
}
