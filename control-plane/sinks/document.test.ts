import { describe, expect, test } from 'vitest';
import type { OutcomeRecord } from '../model/outcome.ts';
import { toDocument } from './document.ts';

const moment = new Date('2026-03-01T12:00:00Z');
const outcome = (output: string | Uint8Array, more: Partial<OutcomeRecord> = {}): OutcomeRecord => ({
  id: '01a1',
  module: '_',
  name: 'f',
  revision: 3,
  agent: 'box',
  trigger: null,
  origin: 'mqtt',
  createdAt: moment,
  startedAt: moment,
  endedAt: moment,
  attempts: 2,
  input: null,
  output: Buffer.from(output),
  error: undefined,
  ...more,
});
const plain = { envelope: false, underscoreId: false };
const json = (given: OutcomeRecord, form = plain) => toDocument(given, form).json;

describe('without an envelope', () => {
  test.each([
    ['an object is the document', '{"a":1}', '{"a":1}'],
    ['white space around it is removed', ' \n{ "a" : 1 }\n', '{ "a" : 1 }'],
    ['an empty object', '{ }', '{}'],
    ['digits stay', '{"n":12345678901234567890.10}', '{"n":12345678901234567890.10}'],
    ['a list', '[1,2]', '{"result":[1,2]}'],
    ['a text', '"x"', '{"result":"x"}'],
    ['null', 'null', '{"result":null}'],
    ['a key that is CouchDB’s', '{"_rev":"1-x"}', '{"result":{"_rev":"1-x"}}'],
    ['such a key with an escape', '{"\\u005fid":"x"}', '{"result":{"\\u005fid":"x"}}'],
    ['a prototype', '{"__proto__":1}', '{"result":{"__proto__":1}}'],
    ['nested keys of that form are allowed', '{"a":{"_b":1}}', '{"a":{"_b":1}}'],
    ['not JSON', 'hello', '{"result_base64":"aGVsbG8="}'],
    ['nothing', '', '{"result_base64":""}'],
    ['two values', '{}{}', '{"result_base64":"e317fQ=="}'],
    ['not UTF-8', Buffer.from([0x22, 0xff, 0x22]), '{"result_base64":"Iv8i"}'],
  ] as const)('%s', (_, output, expected) => {
    expect(json(outcome(output))).toBe(expected);
  });

  test('for CouchDB the document contains the id', () => {
    const form = { envelope: false, underscoreId: true };
    expect(toDocument(outcome('{"a":1}'), form)).toEqual({ id: '01a1', json: '{"_id":"01a1","a":1}' });
    expect(json(outcome('{}'), form)).toBe('{"_id":"01a1"}');
    expect(JSON.parse(json(outcome('{"_id":"mine"}'), form))).toEqual({ _id: '01a1', result: { _id: 'mine' } });
  });
});

describe('with an envelope', () => {
  const form = { envelope: true, underscoreId: false };

  test('it says how the result was made', () => {
    const given = outcome('[1]', { trigger: 't1', input: Buffer.from('{"x": 1}') });
    expect(JSON.parse(json(given, form))).toEqual({
      id: '01a1',
      function: 'f',
      module: '_',
      revision: 3,
      agent: 'box',
      trigger: 't1',
      origin: 'mqtt',
      created_at: '2026-03-01T12:00:00.000Z',
      started_at: '2026-03-01T12:00:00.000Z',
      ended_at: '2026-03-01T12:00:00.000Z',
      attempts: 2,
      input: { x: 1 },
      result: [1],
    });
  });

  test('a result that is not JSON is in base64', () => {
    const given = JSON.parse(json(outcome('a', { input: Buffer.from('b') }), form)) as object;
    expect(given).toMatchObject({ input_base64: 'Yg==', result_base64: 'YQ==' });
    expect(given).not.toHaveProperty('result');
  });

  test('a failure always has an envelope, and no result', () => {
    const given = outcome('', { output: null, error: { code: 'function_trap', message: 'a "trap"' } });
    const document = JSON.parse(json(given)) as object;
    expect(document).toMatchObject({ function: 'f', error: { code: 'function_trap', message: 'a "trap"' } });
    expect(document).not.toHaveProperty('result');
  });
});
