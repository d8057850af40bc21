import { expect, test } from 'vitest';
import { batchLength, bytesOf } from './packing.ts';

const megabytes = (...sizes: number[]) => sizes.map((size) => ({ bytes: size * 1024 * 1024 }));

test('a batch has at least one operation, and is bounded in number and bytes', () => {
  expect(batchLength([])).toBe(0);
  expect(batchLength(megabytes(20, 1))).toBe(1);
  expect(batchLength(megabytes(4, 4, 1))).toBe(2);
  expect(batchLength(megabytes(...Array(3_000).fill(0)))).toBe(1_000);
});

test('an outcome counts with its input and output', () => {
  const facts = { id: 'x', function: 'f', trigger: 't', origin: 'mqtt', revision: 1, attempts: 1 } as const;
  const times = { createdAt: 1, startedAt: 1, endedAt: 1 };
  const result = { ok: true, output: Buffer.alloc(5) } as const;
  const outcome = { ...facts, ...times, input: Buffer.alloc(7), result };
  expect(bytesOf({ do: 'end', seq: 1, named: false, outcome })).toBe(12);
  expect(bytesOf({ do: 'forget', seqs: [1] })).toBe(0);
});
