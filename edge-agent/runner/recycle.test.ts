import { expect, test } from 'vitest';
import { createRecycler } from './recycle.ts';

function start() {
  const state = { ms: 0, short: false, busy: new Set<string>(), gone: [] as string[], retired: 0 };
  const recycler = createRecycler({
    idleMs: 100,
    isShort: () => state.short,
    isBusy: (digest) => state.busy.has(digest),
    unload: (digest) => state.gone.push(digest),
    retire: () => {
      state.retired += 1;
    },
    now: () => state.ms,
  });
  return { state, recycler };
}

test('idle bundles go, and the process when nothing is left', () => {
  const { state, recycler } = start();
  recycler.used('a');
  state.ms = 60;
  recycler.used('b');
  state.ms = 120;
  recycler.sweep();
  expect(state.gone).toEqual(['a']);
  expect(state.retired).toBe(0);
  state.ms = 200;
  recycler.sweep();
  expect(state.gone).toEqual(['a', 'b']);
  expect(state.retired).toBe(1);
});

test('a bundle that is used again stays, and so does one in use', () => {
  const { state, recycler } = start();
  recycler.used('a');
  recycler.used('b');
  state.busy.add('b');
  state.ms = 90;
  recycler.used('a');
  state.ms = 150;
  recycler.sweep();
  expect(state.gone).toEqual([]);
});

test('when memory is short all idle bundles go, oldest first', () => {
  const { state, recycler } = start();
  for (const digest of ['a', 'b', 'c']) recycler.used(digest);
  recycler.used('a');
  state.busy.add('c');
  state.short = true;
  recycler.sweep();
  expect(state.gone).toEqual(['b', 'a']);
});
