import { expect, test } from 'vitest';
import { createBatch } from './batch.ts';

const bytes = (...values: number[]) => new Uint8Array(values);

function record(limit?: number) {
  const messages: number[][] = [];
  const deferred: (() => void)[] = [];
  const batch = createBatch(
    (message) => messages.push([...message]),
    (flush) => deferred.push(flush),
    limit,
  );
  return { batch, messages, turn: () => deferred.splice(0).forEach((flush) => void flush()) };
}

test('the frames of one turn leave as one message, in order', () => {
  const { batch, messages, turn } = record();
  batch.add(bytes(1));
  batch.add(bytes(2, 3));
  expect(messages).toEqual([]);
  turn();
  batch.add(bytes(4));
  turn();
  expect(messages).toEqual([[1, 2, 3], [4]]);
});

test('a message stays within the limit', () => {
  const { batch, messages, turn } = record(3);
  for (const n of [1, 2, 3, 4]) batch.add(bytes(n));
  turn();
  expect(messages).toEqual([[1, 2, 3], [4]]);
});

test('a flush without frames sends nothing', () => {
  const { batch, messages, turn } = record();
  batch.add(bytes(1));
  batch.flush();
  turn();
  expect(messages).toEqual([[1]]);
});
