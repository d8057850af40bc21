import { expect, test } from 'vitest';
import { deriveEventId } from '../events/intake.ts';
import { mqttParamsSchema } from '../function/triggers.ts';
import { toEvent } from './event.ts';

const now = Date.parse('2026-05-01T12:00:00Z');

function event(payload: string | Uint8Array, params: Record<string, unknown> = {}) {
  const format = mqttParamsSchema.parse({ host: 'h', topic: '#', ...params });
  const bytes = typeof payload === 'string' ? new TextEncoder().encode(payload) : payload;
  return toEvent(format, { trigger: 't', function: 'f' }, { topic: 'a "b"/c', payload: bytes }, now, 'made');
}
const readInput = (...args: Parameters<typeof event>) => new TextDecoder().decode(event(...args).input);

test('a JSON payload is the input byte for byte', () => {
  expect(event(' {"n" : 1} ')).toEqual({
    id: 'made',
    named: false,
    trigger: 't',
    function: 'f',
    origin: 'mqtt',
    createdAt: now,
    input: new TextEncoder().encode(' {"n" : 1} '),
  });
});

test('the envelope contains topic, time and payload', () => {
  expect(JSON.parse(readInput('{"n":1}', { envelope: true }))).toEqual({
    topic: 'a "b"/c',
    time: '2026-05-01T12:00:00.000Z',
    payload: { n: 1 },
  });
  expect(JSON.parse(readInput(Uint8Array.of(0, 255), { envelope: true, payload: 'raw' }))).toEqual({
    topic: 'a "b"/c',
    time: '2026-05-01T12:00:00.000Z',
    payload: 'AP8=',
    encoding: 'base64',
  });
});

test('a raw payload may be anything', () => {
  expect(event(Uint8Array.of(0, 255), { payload: 'raw' })).toMatchObject({ input: Uint8Array.of(0, 255) });
});

test.each(['', '{', 'NaN', '\ufeff1', Uint8Array.of(0x22, 0xff, 0x22)])('%j is not JSON', (payload) => {
  expect(event(payload).invalid).toBe('the payload is not JSON');
});

test('the id of a message is read at its path', () => {
  const named = (payload: unknown, path = 'meta.id') => event(JSON.stringify(payload), { message_id: path });
  expect(named({ meta: { id: 'x' } })).toMatchObject({ id: deriveEventId({ trigger: 't' }, 'x'), named: true });
  expect(named({ meta: { id: 17 } })).toMatchObject({ id: deriveEventId({ trigger: 't' }, '17'), named: true });
  for (const payload of [{}, { meta: null }, { meta: { id: '' } }, { meta: { id: {} } }, 1, null, [], { meta: 'id' }]) {
    expect(named(payload)).toMatchObject({ invalid: 'the payload has no id at "meta.id"' });
  }
  // Inherited properties are not part of the payload.
  expect(named({ id: 1 }, 'constructor.name').invalid).toBeDefined();
});
