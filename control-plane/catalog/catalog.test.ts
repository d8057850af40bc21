import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Harness, startHarness } from '../testing/harness.ts';

let harness: Harness;
beforeAll(async () => {
  harness = await startHarness();
});
afterAll(() => harness?.close());

test('a listener that throws affects no other, and is not taken for a lost database', async () => {
  const { catalog } = harness.controlPlane;
  const heard: number[] = [];
  const ends = [
    catalog.onChange(() => {
      throw new Error('a listener at fault');
    }),
    catalog.onChange((version) => heard.push(version)),
  ];
  const answer = await harness.request('POST', '/v1/fn', { json: { module: { name: 'm1' } } });
  expect(answer.status).toBe(201);
  expect(heard).toEqual([catalog.version]);
  expect(catalog.storeUp).toBe(true);
  for (const end of ends) end();
});
