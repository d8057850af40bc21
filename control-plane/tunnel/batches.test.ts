/** Which batches of an agent are stored side by side, which in sequence, and which not at all. */
import type { RecordedOutcome } from '@skerry/shared/tunnel/protocol.ts';
import { beforeEach, expect, test } from 'vitest';
import { createBatches, maxBatches } from './batches.ts';

type AsyncServices = PromiseWithResolvers<void> & { readonly ids: readonly string[] };

let keeping: AsyncServices[];
let answers: string[];
let ordered: boolean;
let time: number;
let batches: ReturnType<typeof createBatches>;

beforeEach(() => {
  [keeping, answers, ordered, time] = [[], [], true, 0];
  batches = createBatches({
    record(outcomes) {
      const one = { ...Promise.withResolvers<void>(), ids: outcomes.map(({ id }) => id) };
      keeping.push(one);
      return one.promise;
    },
    inOrder: () => ordered,
    answer: (batch, ok) => void answers.push(`${batch} ${ok}`),
    now: () => time,
  });
});

const add = (batch: number, ...ids: string[]) =>
  batches.add(
    batch,
    ids.map((id) => ({ id }) as RecordedOutcome),
  );
const begun = () => keeping.map(({ ids }) => ids.join());
/** Lets all pending work proceed. */
const settled = () => new Promise(setImmediate);
const end = async (at: number, error?: Error) => {
  if (error) keeping[at]?.reject(error);
  else keeping[at]?.resolve();
  await settled();
};

test('batches are stored side by side without an ordered sink, and in sequence with one', async () => {
  ordered = false;
  for (const [n, id] of ['a', 'b', 'c'].entries()) add(n + 1, id);
  expect(begun()).toEqual(['a', 'b', 'c']);
  await end(1);
  expect(answers).toEqual(['2 true']);
  await Promise.all([end(0), end(2)]);
  ordered = true;
  for (const [n, id] of ['d', 'e'].entries()) add(n + 4, id);
  await settled();
  expect(begun()).toEqual(['a', 'b', 'c', 'd']);
  await end(3);
  expect(begun().at(-1)).toBe('e');
  await end(4);
  expect(answers.slice(3)).toEqual(['4 true', '5 true']);
});

test('after a failed batch no later one is stored until it comes again', async () => {
  for (const [n, id] of ['a', 'b', 'c'].entries()) add(n + 1, id);
  await settled();
  await end(0, new Error('cut'));
  expect(answers).toEqual(['1 false', '2 false', '3 false']);
  // Sent before the agent learned of the failure.
  add(4, 'd');
  await settled();
  expect([begun(), answers.at(-1)]).toEqual([['a'], '4 false']);
  // Order does not matter to these.
  ordered = false;
  add(5, 'x');
  expect(begun()).toEqual(['a', 'x']);
  ordered = true;
  // New batches, including the outcomes from before the failure.
  add(6, 'z', 'a', 'b');
  add(7, 'c');
  await settled();
  await end(2);
  expect(begun()).toEqual(['a', 'x', 'z,a,b', 'c']);
});

test('an outcome that the agent has lost is not waited for without an end', async () => {
  add(1, 'a');
  await settled();
  await end(0, new Error('cut'));
  time = 9_999;
  add(2, 'b');
  await settled();
  expect(begun()).toEqual(['a']);
  time = 10_000;
  add(3, 'b');
  await settled();
  expect(begun()).toEqual(['a', 'b']);
});

test('a batch beyond the limit is refused, and no later one overtakes it', async () => {
  const ids = Array.from({ length: maxBatches }, (_, n) => `${n}`);
  for (const [n, id] of ids.entries()) add(n + 1, id);
  add(8, 'beyond');
  expect(answers).toEqual(['8 false']);
  await settled();
  await end(0);
  add(9, 'later');
  for (const at of [1, 2, 3]) await end(at);
  expect(begun()).toEqual(ids);
  expect(answers).toEqual(['8 false', '1 true', '2 true', '3 true', '4 true', '9 false']);
  add(10, 'beyond');
  await settled();
  expect(begun().at(-1)).toBe('beyond');
});
