/** A broker of MQTT 3.1.1 that breaks the rules: as much of the protocol as that needs, by hand. */
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';

type RudeBroker = {
  readonly port: number;
  /** Connections made since the start. */
  readonly connections: number;
  /** Bytes of the packets that the client has sent on all connections, after the first packet. */
  readonly heard: readonly Buffer[];
  close(): Promise<void>;
};

export type RudeBehaviour = {
  /** Answer to SUBSCRIBE; 0x80 refuses. Undefined: no answer. */
  readonly granted?: number;
  /** Called once the subscription was answered. */
  readonly afterwards?: (socket: Socket) => void;
  /** Sent in place of the welcome. */
  readonly instead?: (socket: Socket) => void;
};

export async function startRudeBroker({ granted, afterwards, instead }: RudeBehaviour): Promise<RudeBroker> {
  const sockets = new Set<Socket>();
  const heard: Buffer[] = [];
  let connections = 0;
  const server = createServer((socket) => {
    connections += 1;
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
    socket.on('data', (bytes: Buffer) => {
      const kind = (bytes[0] ?? 0) >> 4;
      if (kind === 1) return instead ? instead(socket) : void socket.write(Buffer.of(0x20, 2, 0, 0));
      heard.push(bytes);
      if (kind !== 8 || granted === undefined) return;
      socket.write(Buffer.of(0x90, 3, bytes[2] ?? 0, bytes[3] ?? 0, granted));
      afterwards?.(socket);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    get connections() {
      return connections;
    },
    heard,
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

/** A PUBLISH to the topic `a/b` (MQTT 3.1.1, section 3.3). */
export function publishPacket(
  payload: string,
  { qos = 1, id = 1, dup = false }: { readonly qos?: number; readonly id?: number; readonly dup?: boolean } = {},
): Buffer {
  const topic = Buffer.from('\0\x03a/b', 'latin1');
  const body = Buffer.concat([topic, ...(qos > 0 ? [Buffer.of(id >> 8, id & 0xff)] : []), Buffer.from(payload)]);
  const length: number[] = [];
  for (let rest = body.byteLength; length.length === 0 || rest > 0; rest >>= 7) {
    length.push((rest & 0x7f) | (rest > 0x7f ? 0x80 : 0));
  }
  return Buffer.concat([Buffer.of(0x30 | (dup ? 8 : 0) | (qos << 1), ...length), body]);
}
