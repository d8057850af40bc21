import { expect, test } from 'vitest';
import { createAnswers, type Unanswered } from './acks.ts';
import type { MqttPacket } from './client.ts';

function start() {
  const answers = createAnswers();
  const written: number[][] = [];
  const connect = (sessionPresent: boolean) =>
    answers.begin({ write: (bytes: Uint8Array) => written.push([...bytes]) }, sessionPresent);
  const take = (messageId: number, payload = 'x', { qos = 1, dup = false } = {}) =>
    answers.take({ cmd: 'publish', topic: 'a', messageId, payload, dup, qos } satisfies MqttPacket, qos);
  const settle = (...messages: (Unanswered | undefined)[]) => {
    for (const message of messages) if (message) answers.settle(message);
    answers.flush();
  };
  connect(false);
  return { answers, written, connect, take, settle };
}

test('answers leave in the order of the messages, together', () => {
  const { written, take, settle } = start();
  const [a, b, c] = [take(1), take(2, 'x', { qos: 2 }), take(258)];
  settle(b, c);
  expect(written).toEqual([]);
  settle(a);
  expect(written).toEqual([[0x40, 2, 0, 1, 0x50, 2, 0, 2, 0x40, 2, 1, 2]]);
});

test('what comes again over a new connection is the same message, and is answered there', () => {
  const { written, take, settle, answers, connect } = start();
  const a = take(1);
  answers.end();
  connect(true);
  expect(take(1, 'x', { dup: true })).toBeUndefined();
  settle(a);
  expect(written).toEqual([[0x40, 2, 0, 1]]);
});

test('settled while nobody was connected, it is answered as soon as it comes again', () => {
  const { written, take, settle, answers, connect } = start();
  const a = take(1);
  answers.end();
  settle(a);
  expect(written).toEqual([]);
  connect(true);
  expect(take(1, 'x', { dup: true })).toBeUndefined();
  expect(written).toEqual([[0x40, 2, 0, 1]]);
});

test('another message under the same id is another message', () => {
  const { take, answers, connect } = start();
  take(1);
  expect(take(1, 'y', { dup: true })).toBeDefined();
  expect(take(1, 'x')).toBeDefined();
  answers.end();
  connect(false);
  expect(take(1, 'x', { dup: true })).toBeDefined();
});

test('after the answer a QoS 1 message is new, a QoS 2 message the same until it is released', () => {
  const { written, take, settle, answers } = start();
  settle(take(1), take(2, 'x', { qos: 2 }));
  expect(take(1, 'x', { dup: true })).toBeDefined();
  written.length = 0;
  expect(take(2, 'x', { qos: 2 })).toBeUndefined();
  answers.released(2);
  expect(take(2, 'x', { qos: 2 })).toBeDefined();
});
