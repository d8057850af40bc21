import { expect, test } from 'vitest';
import { createUploadBudget } from './upload-budget.ts';

test('gives shares until the budget is used up; an upload of unknown length counts as the largest', () => {
  const budget = createUploadBudget(100, 2);
  const busy = expect.objectContaining({ code: 'prepare_busy' });
  const release = budget.take(undefined);
  budget.take(60);
  budget.take(40);
  expect(() => budget.take(1)).toThrow(busy);
  release();
  const over = budget.take(1_000_000);
  expect(() => budget.take(1)).toThrow(busy);
  over();
  expect(() => budget.take(100)).not.toThrow();
});
