/**
 * The proof of `npm run torture`, with as many kills as a test has time for, and a check that no loss is excused
 * without evidence.
 */
import { expect, test } from 'vitest';
import { torture } from './run.ts';

test('30 kills: every acknowledged event is in the sink exactly once', { timeout: 300_000 }, async () => {
  const seed = Number(process.env.TORTURE_SEED ?? Math.floor(Math.random() * 2 ** 32));
  const { lost, lostByBroker, duplicated, arrived, documents, acknowledged, answered } = await torture({
    kills: 30,
    seed,
    rate: 50,
    say: () => undefined,
  });
  expect({ seed, lost, duplicated }).toEqual({ seed, lost: [], duplicated: [] });
  expect(documents).toBe(arrived);
  expect(arrived).toBeGreaterThanOrEqual(acknowledged - lostByBroker.length);
  expect(acknowledged).toBeGreaterThan(100);
  // A witness that sees nothing would blame the broker for every loss.
  expect(answered).toBeGreaterThan(arrived * 0.9);
});
