import { SkerryError } from '@skerry/shared/errors.ts';
import { type Sink, sinkSchema } from '@skerry/shared/function/sinks.ts';
import { expect, test } from 'vitest';
import type { CatalogFunction } from '../model/catalog-function.ts';
import { createSinkMetrics } from './metrics.ts';
import { describeAddress, judgeHealth, type SinkState } from './sinks.ts';

const spec = (type: string, params: object): Sink => sinkSchema.parse({ type, params });

test('counts at most every few seconds, and keeps the last count while the database is away', async () => {
  let now = 0;
  let asked = 0;
  let waiting = 3;
  let away = false;
  const functions: CatalogFunction[] = [];
  const figures = createSinkMetrics({
    catalog: { functions: () => functions },
    sinks: {
      async list() {
        asked += 1;
        if (away) throw new SkerryError('store_unavailable', 'away');
        const state = { id: 's', spec: spec('http', { url: 'http://a' }), waiting, dead: 1, lagSeconds: 2 };
        return [state as SinkState];
      },
    },
    deliverers: { counts: () => new Map([['s', { delivered: 9, failures: 4 }]]) },
    now: () => now,
  });
  expect(await figures()).toEqual([]);
  expect(asked).toBe(0);

  functions.push({ sinks: [{ id: 's' }] } as unknown as CatalogFunction);
  const expected = { sink: 's', type: 'http', waiting: 3, dead: 1, lagSeconds: 2, delivered: 9, failures: 4 };
  expect(await Promise.all([figures(), figures()])).toEqual([[expected], [expected]]);
  waiting = 5;
  now = 4_000;
  expect(await figures()).toEqual([expected]);
  expect(asked).toBe(1);
  now = 6_000;
  expect(await figures()).toEqual([{ ...expected, waiting: 5 }]);
  away = true;
  now = 12_000;
  expect(await figures()).toEqual([{ ...expected, waiting: 5 }]);
});

test.each([
  ['couchdb', { url: 'http://couch:5984', database: 'a/b' }, 'http://couch:5984/a%2Fb'],
  ['couchdb', { url: 'https://couch/under/db', password: 'x' }, 'https://couch/under/db'],
  ['http', { url: 'https://a/hook', token: 'x' }, 'https://a/hook'],
  ['mqtt', { host: 'broker', topic: 'a/b' }, 'mqtt://broker/a/b'],
  ['mqtt', { host: '::1', port: 1884, tls: true, topic: 'a' }, 'mqtts://[::1]:1884/a'],
] as const)('%s %j leads to %s', (type, params, address) => {
  expect(describeAddress(spec(type, params))).toBe(address);
});

test('the health of a sink', () => {
  expect(judgeHealth({ error: 'x', waiting: 0, full: false })).toBe('failing');
  expect(judgeHealth({ error: null, waiting: 1, full: false })).toBe('ok');
  expect(judgeHealth({ error: null, waiting: 0, full: false })).toBe('idle');
  expect(judgeHealth({ error: 'x', waiting: 1, full: true })).toBe('full');
});
