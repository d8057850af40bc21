import { type Sink, sinkSchema } from '@skerry/shared/function/sinks.ts';
import { type Trigger, triggerSchema } from '@skerry/shared/function/triggers.ts';
import { expect, test } from 'vitest';
import { pairUp } from './match.ts';

const couchdb = (url: string, params: object = {}) => sinkSchema.parse({ type: 'couchdb', params: { url, ...params } });
const http = (url: string) => sinkSchema.parse({ type: 'http', params: { url } });
const mqtt = (topic: string, params: object = {}) =>
  triggerSchema.parse({ type: 'mqtt', params: { host: 'b', topic, ...params } });
const schedule = (cron: string, args: unknown) => triggerSchema.parse({ type: 'schedule', params: { cron, args } });

/** For each entry of the list the index of its match, with `=` before it when it is unchanged. */
function pairs<Spec extends Trigger | Sink>(there: Spec[], list: Spec[]) {
  const bindings = there.map((spec, at) => ({ id: String(at), spec, sealed: undefined, createdAt: new Date(0) }));
  const isSame = (old: { spec: Spec }, given: Spec) => JSON.stringify(old.spec) === JSON.stringify(given);
  return pairUp<Spec>(bindings, list, isSame).map(({ old, same }) => old && `${same ? '=' : ''}${old.id}`);
}

test('an unchanged entry matches itself, at any position', () => {
  expect(pairs([mqtt('a'), mqtt('b')], [mqtt('b'), mqtt('a')])).toEqual(['=1', '=0']);
});

test('an entry with the same place is a change, at any position', () => {
  const changed = { username: 'ada' };
  expect(pairs([couchdb('http://a/x'), couchdb('http://b/x')], [couchdb('http://b/x', changed)])).toEqual(['1']);
  expect(pairs([mqtt('a'), mqtt('b')], [mqtt('b', changed), mqtt('a')])).toEqual(['1', '=0']);
  expect(pairs([schedule('0 0 * * *', 1), schedule('0 1 * * *', 1)], [schedule('0 1 * * *', 2)])).toEqual(['1']);
  expect(pairs([mqtt('a')], [mqtt('a', { port: 1_883 })])).toEqual(['0']);
});

test('an entry with another place is a change of the one with its position and type, else new', () => {
  expect(pairs([http('http://a'), http('http://b')], [http('http://a'), http('http://c')])).toEqual(['=0', '1']);
  expect(pairs([http('http://a'), http('http://b')], [http('http://b'), http('http://c')])).toEqual(['=1', undefined]);
  expect(pairs([http('http://a/x')], [couchdb('http://a/x')])).toEqual([undefined]);
});

test('no binding is matched twice', () => {
  expect(pairs([mqtt('a')], [mqtt('a'), mqtt('a')])).toEqual(['=0', undefined]);
});
