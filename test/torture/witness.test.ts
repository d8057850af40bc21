import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { publishPacket } from '../harness/mqtt/rude-broker.ts';
import { startWitness, type Witness } from './witness.ts';

let broker: Server;
let witness: Witness;
/** Bytes that arrived at the two ends. */
let [atBroker, atAgent] = ['', ''];
const sockets: Socket[] = [];

/** A connected agent, and the broker's end of it. Each keeps its end open until it ends it itself. */
async function meet(): Promise<{ readonly agent: Socket; readonly brokerEnd: Socket }> {
  const accepted = once(broker, 'connection');
  const agent = connect({ port: witness.port, host: '127.0.0.1', allowHalfOpen: true });
  const [brokerEnd] = (await accepted) as [Socket];
  sockets.push(agent, brokerEnd);
  agent.on('data', (bytes) => {
    atAgent += bytes.toString('latin1');
  });
  brokerEnd.on('data', (bytes: Buffer) => {
    atBroker += bytes.toString('latin1');
  });
  return { agent, brokerEnd };
}
const offer = (n: number, id: number, dup = false) => publishPacket(JSON.stringify({ n }), { id, dup });
const puback = (id: number) => Buffer.of(0x40, 2, id >> 8, id & 0xff);

beforeEach(async () => {
  [atBroker, atAgent] = ['', ''];
  broker = createServer();
  broker.listen(0, '127.0.0.1');
  await once(broker, 'listening');
  witness = await startWitness((broker.address() as AddressInfo).port);
});
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await witness.close();
  broker.close();
});

test('passes everything, and sees offers and acknowledgements in pieces of any size', async () => {
  const { agent, brokerEnd } = await meet();
  const packets = Buffer.concat([Buffer.of(0x20, 2, 0, 0), offer(7, 1), offer(8, 0x1234), offer(9, 2)]);
  for (const byte of packets) brokerEnd.write(Buffer.of(byte));
  await expect.poll(() => atAgent).toBe(packets.toString('latin1'));
  expect([...witness.offered.keys()]).toEqual([7, 8, 9]);
  expect(witness.answered.size).toBe(0);
  const answers = Buffer.concat([puback(0x1234), Buffer.of(0xc0, 0), puback(1)]);
  agent.write(answers);
  await expect.poll(() => atBroker).toBe(answers.toString('latin1'));
  expect([...witness.answered]).toEqual([8, 7]);
});

test('sees an event whose length has several digits', async () => {
  const { brokerEnd } = await meet();
  const payload = `${' '.repeat(20_000)}{"n":5}`;
  brokerEnd.write(publishPacket(payload));
  await expect.poll(() => [...witness.offered.keys()]).toEqual([5]);
});

test('an acknowledgement that the broker does not live to receive counts', async () => {
  const { agent, brokerEnd } = await meet();
  brokerEnd.write(offer(1, 1));
  await expect.poll(() => atAgent.length).toBeGreaterThan(0);
  brokerEnd.resetAndDestroy();
  await once(agent, 'end');
  agent.end(puback(1));
  await expect.poll(() => [...witness.answered]).toEqual([1]);
});

test('an acknowledgement over the next connection counts, and the offer belongs to the last connection that carried it', async () => {
  const first = await meet();
  first.brokerEnd.write(Buffer.concat([offer(1, 1), offer(2, 2)]));
  await expect.poll(() => witness.offered.size).toBe(2);
  first.brokerEnd.resetAndDestroy();
  await once(first.agent, 'end');
  first.agent.end();
  const between = performance.now();
  const second = await meet();
  second.agent.write(puback(2));
  second.brokerEnd.write(offer(1, 1, true));
  await expect.poll(() => [...witness.answered]).toEqual([2]);
  await expect.poll(() => witness.offered.get(1)).toBeGreaterThan(between);
  expect(witness.offered.get(2)).toBeLessThan(between);
});

test('without a broker the agent is disconnected, and can return', async () => {
  const lost = await startWitness((broker.address() as AddressInfo).port);
  broker.close();
  await once(broker, 'close');
  const agent = connect({ port: lost.port, host: '127.0.0.1' });
  agent.resume();
  await once(agent, 'close');
  await lost.close();
  expect(lost.offered.size).toBe(0);
});
