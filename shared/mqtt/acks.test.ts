import { expect, test } from 'vitest';
import { createAcks, type UnackedMessage } from './acks.ts';
import type { MqttPacket } from './client.ts';

function start() {
  const acks = createAcks();
  const written: number[][] = [];
  const connect = (sessionPresent: boolean) =>
    acks.begin({ write: (bytes: Uint8Array) => written.push([...bytes]) }, sessionPresent);
  const take = (messageId: number, payload = 'x', { qos = 1, dup = false } = {}) =>
    acks.take({ cmd: 'publish', topic: 'a', messageId, payload, dup, qos } satisfies MqttPacket, qos);
  const settle = (...messages: (UnackedMessage | undefined)[]) => {
    for (const message of messages) if (message) acks.settle(message);
    acks.flush();
  };
  connect(false);
  return { acks, written, connect, take, settle };
}

test('acknowledgements leave together, in the order of the messages', () => {
  const { written, take, settle } = start();
  const [a, b, c] = [take(1), take(2, 'x', { qos: 2 }), take(258)];
  settle(b, c);
  expect(written).toEqual([]);
  settle(a);
  expect(written).toEqual([[0x40, 2, 0, 1, 0x50, 2, 0, 2, 0x40, 2, 1, 2]]);
});

test('a message that comes again over a new connection is the same message and is acknowledged there', () => {
  const { written, take, settle, acks, connect } = start();
  const a = take(1);
  acks.end();
  connect(true);
  expect(take(1, 'x', { dup: true })).toBeUndefined();
  settle(a);
  expect(written).toEqual([[0x40, 2, 0, 1]]);
});

test('a message that was settled while disconnected is acknowledged as soon as it comes again', () => {
  const { written, take, settle, acks, connect } = start();
  const a = take(1);
  acks.end();
  settle(a);
  expect(written).toEqual([]);
  connect(true);
  expect(take(1, 'x', { dup: true })).toBeUndefined();
  expect(written).toEqual([[0x40, 2, 0, 1]]);
});

test('other content, a missing dup flag or a lost session makes a new message under the same id', () => {
  const { take, acks, connect } = start();
  take(1);
  expect(take(1, 'y', { dup: true })).toBeDefined();
  expect(take(1, 'x')).toBeDefined();
  acks.end();
  connect(false);
  expect(take(1, 'x', { dup: true })).toBeDefined();
});

test('after its acknowledgement a QoS 1 message is new, and a QoS 2 message is the same until its release', () => {
  const { written, take, settle, acks } = start();
  settle(take(1), take(2, 'x', { qos: 2 }));
  expect(take(1, 'x', { dup: true })).toBeDefined();
  written.length = 0;
  expect(take(2, 'x', { qos: 2 })).toBeUndefined();
  acks.released(2);
  expect(take(2, 'x', { qos: 2 })).toBeDefined();
});
