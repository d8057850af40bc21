import { SkerryError } from '@skerry/shared/errors.ts';
import { expect, test } from 'vitest';
import type { Store } from '../../db/store.ts';
import { createInProgress } from '../in-progress.ts';
import { createLaneClaims } from './lane-claims.ts';

test('after a claim whose answer was lost, nothing is taken from a successor that has the lane by then', async () => {
  let claims = 0;
  const change: Store['change'] = () => {
    claims += 1;
    return Promise.reject(new SkerryError('store_unavailable', 'away'));
  };
  const claimNext = createLaneClaims({
    store: { change },
    trigger: '00000000-0000-4000-8000-000000000000',
    inProgress: createInProgress(),
    ours: async () => false,
    signal: new AbortController().signal,
  });
  expect(await claimNext([], 1, 1)).toEqual([]);
  expect(await claimNext([], 1, 1)).toEqual([]);
  expect(claims).toBe(1);
});
