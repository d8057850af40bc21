import { describe, expect, test } from 'vitest';
import * as z from 'zod';
import { effectivePort, topicFilterSchema } from './mqtt-broker.ts';
import { sinkSchema } from './sinks.ts';
import { triggerSchema } from './triggers.ts';

const mqtt = (params: object) => triggerSchema.parse({ type: 'mqtt', params: { host: 'b', topic: 't', ...params } });

test("an event in FunLess's form gets all defaults", () => {
  expect(mqtt({ port: '1883' })).toEqual({
    type: 'mqtt',
    params: {
      host: 'b',
      port: 1883,
      topic: 't',
      version: '3.1.1',
      tls: false,
      placement: 'cloud',
      qos: 1,
      session: 'persistent',
      payload: 'json',
      envelope: false,
      retained: 'first',
      concurrency: 1,
      max_pending: 10_000,
      when_full: 'hold',
      dead_letter: false,
    },
  });
});

test('the default port is 1883, or 8883 with TLS', () => {
  expect([effectivePort({ tls: false }), effectivePort({ tls: true }), effectivePort({ tls: {}, port: 1 })]).toEqual([
    1_883, 8_883, 1,
  ]);
});

describe('topic filters (MQTT 5.0, section 4.7.1)', () => {
  test.each(['#', '+', 'a/+/b', '+/tennis/#', '/', 'a//b', '$SYS/#'])('%s is a topic filter', (filter) => {
    expect(topicFilterSchema.safeParse(filter).success).toBe(true);
  });
  test.each(['', 'a#', 'a/#/b', 'a+', '+a/b', 'a\0b'])('%j is not a topic filter', (filter) => {
    expect(topicFilterSchema.safeParse(filter).success).toBe(false);
  });
});

test.each([0, 65_536, '0', '1e3', '-1', 'http', 1.5])('%j is not a port', (port) => {
  expect(() => mqtt({ port })).toThrow(/port, 1 to 65535/);
});

test('the limit of a schedule input counts bytes', () => {
  const schedule = (args: unknown) =>
    triggerSchema.safeParse({ type: 'schedule', params: { cron: '0 0 * * *', args } }).success;
  expect([schedule('a'.repeat(65_534)), schedule('é'.repeat(32_767))]).toEqual([true, true]);
  expect([schedule('a'.repeat(65_535)), schedule('é'.repeat(32_768))]).toEqual([false, false]);
});

test('the message for an unknown type names the known types', () => {
  const message = z.safeParse(triggerSchema, { type: 'amqp', params: {} }).error?.issues[0]?.message;
  expect(message).toBe('must be "mqtt" or "schedule"');
});

test("a sink in FunLess's form gets all defaults", () => {
  const params = { url: 'http://couch:5984/results', username: 'a', password: 'b' };
  expect(sinkSchema.parse({ type: 'couchdb', params })).toMatchObject({
    params: { ...params, create: false, envelope: false, ordered: false, on: 'success', retry: { attempts: 10 } },
  });
});
