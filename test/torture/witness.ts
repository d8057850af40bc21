/**
 * A TCP proxy between the agent and its broker that reads along, so that for a lost event it is known whether the agent
 * had acknowledged it.
 *
 * Invariants: an acknowledgement of the agent is noted before the broker can get it, and an offer of the broker before
 * the agent can. Bytes that the agent still sends after the broker has gone are noted too. Ids of packets are
 * remembered beyond a connection, because the session is: an acknowledgement may come over the next one.
 */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { createPacketReader, type Packet, packetKinds, publishId } from './packets.ts';

export type Witness = {
  /** The address where the agent finds the broker. */
  readonly port: number;
  /** Numbers of the events that the agent has acknowledged with PUBACK: from then on they are ours. */
  readonly answered: ReadonlySet<number>;
  /**
   * Numbers of the events that the broker has offered to the agent, and when the connection of the last offer began, by
   * `performance.now()`: a connection ends with the process of the broker.
   */
  readonly offered: ReadonlyMap<number, number>;
  close(): Promise<void>;
};

/** @param brokerPort on 127.0.0.1; the broker may be away at times */
export async function startWitness(brokerPort: number): Promise<Witness> {
  const answered = new Set<number>();
  const offered = new Map<number, number>();
  /** Events by the id of the packet that carried them last; there are 65,535 ids. */
  const byId = new Map<number, number>();
  const sockets = new Set<Socket>();

  const onOffer = (packet: Packet, since: number) => {
    if (packet.kind !== packetKinds.publish) return;
    const n = eventNumber(packet.body);
    byId.set(publishId(packet), n);
    offered.set(n, since);
  };
  const onAnswer = ({ kind, body }: Packet) => {
    const n = kind === packetKinds.puback ? byId.get(body.readUInt16BE(0)) : undefined;
    if (n !== undefined) answered.add(n);
  };

  const server = createServer({ allowHalfOpen: true, noDelay: true }, (agentSide) => {
    const brokerSide = connect({ port: brokerPort, host: '127.0.0.1', noDelay: true });
    let since = performance.now();
    brokerSide.on('connect', () => {
      since = performance.now();
    });
    const fromBroker = createPacketReader((packet) => onOffer(packet, since));
    const fromAgent = createPacketReader(onAnswer);
    brokerSide.on('data', (bytes: Buffer) => {
      fromBroker(bytes);
      agentSide.write(bytes);
    });
    agentSide.on('data', (bytes: Buffer) => {
      fromAgent(bytes);
      brokerSide.write(bytes);
    });
    // Not destroyed: bytes that the agent has sent meanwhile are still read.
    brokerSide.on('close', () => agentSide.end());
    agentSide.on('end', () => brokerSide.end());
    agentSide.on('close', () => brokerSide.destroy());
    for (const socket of [agentSide, brokerSide]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => sockets.delete(socket));
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');

  return {
    port: (server.address() as AddressInfo).port,
    answered,
    offered,
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

/** The payload is the end of the packet. An unreadable event would count as never offered. */
function eventNumber(publish: Buffer): number {
  const found = /\{"n":(\d+)\}$/.exec(publish.toString('latin1'));
  if (!found) throw new Error('the broker has sent a message that is no event of the sensor');
  return Number(found[1]);
}
