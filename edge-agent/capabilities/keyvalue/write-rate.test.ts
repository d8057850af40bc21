import { expect, test } from 'vitest';
import { createWriteRate, type Turn, type Write } from './write-rate.ts';

const KiB = 1024;
const MiB = 1024 * KiB;

/** A rate whose clock moves only when the test moves it; `due` is the time of the next callback. */
function paced() {
  let time = 0;
  let call: (() => void) | undefined;
  let due = Infinity;
  const rate = createWriteRate(
    () => time,
    (run, ms) => {
      call = run;
      due = time + ms;
      return undefined as unknown as NodeJS.Timeout;
    },
  );
  const turns: string[] = [];
  const write = (name: string, given: Partial<Write> = {}) =>
    rate
      .turn({ function: 'f', bytes: MiB, limitBytes: 0, isWanted: () => true, ...given })
      .then((turn: Turn) => turns.push(turn === 'go' ? name : `${name} ${turn}`));
  /** Moves to the time of the next callback; returns the writes that had their turn by then. */
  const next = async () => {
    time = due;
    due = Infinity;
    call?.();
    await settled();
    return time;
  };
  return { rate, turns, write, next };
}
const settled = () => new Promise((resolve) => setImmediate(resolve));

test('allows one largest value at once, then 256 KiB a second, in order', async () => {
  const { turns, write, next } = paced();
  for (const name of ['a', 'b', 'c']) void write(name);
  await settled();
  expect(turns).toEqual(['a']);
  expect(await next()).toBe(4_000);
  expect(turns).toEqual(['a', 'b']);
  expect(await next()).toBe(8_000);
  expect(turns).toEqual(['a', 'b', 'c']);
});

test('allows 200 small writes a second', async () => {
  const { turns, write, next } = paced();
  for (let n = 0; n < 50; n++) await Promise.all(Array.from({ length: 16 }, () => write('small', { bytes: 1 })));
  expect(turns).toHaveLength(800);
  void write('late', { bytes: 1 });
  expect(await next()).toBe(5);
  expect(turns.at(-1)).toBe('late');
});

test('a function with a larger share may write more at once; functions do not wait for each other', async () => {
  const { turns, write } = paced();
  for (const name of ['a', 'b', 'c']) void write(name, { limitBytes: 2 * MiB });
  void write('other', { function: 'g' });
  await settled();
  expect(turns).toEqual(['a', 'b', 'other']);
});

test('an abandoned write costs nothing', async () => {
  const { turns, write, next } = paced();
  let wanted = true;
  void write('a');
  void write('b', { isWanted: () => wanted });
  void write('c');
  await settled();
  wanted = false;
  expect(await next()).toBe(4_000);
  expect(turns).toEqual(['a', 'b ended', 'c']);
});

test('a write beyond the waiting limit is refused', async () => {
  const { turns, write } = paced();
  for (let n = 0; n <= 65; n++) void write(`${n}`);
  void write('other', { function: 'g' });
  void write('too much in all', { function: 'g' });
  await settled();
  expect(turns).toEqual(['0', '65 busy', 'other busy', 'too much in all busy']);
});

test('removing a function removes its waiting writes', async () => {
  const { rate, turns, write } = paced();
  void write('a');
  void write('b');
  rate.forget('f');
  await settled();
  expect(turns).toEqual(['a', 'b ended']);
});
