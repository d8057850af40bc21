import { execFile } from 'node:child_process';
import { mkdtemp, rm, stat, unlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { readCurrent, readInput } from './current-build.ts';

/** A list of a build with two inputs, of which `change` changes one. */
async function readAfter(change: (input: string, entry: string) => Promise<void>): Promise<boolean> {
  const folder = await mkdtemp(join(tmpdir(), 'skerry-build-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const [entry, first, second, list] = ['entry.mjs', 'first.ts', 'second.ts', 'current.json'].map((name) =>
    join(folder, name),
  ) as [string, string, string, string];
  for (const file of [entry, first, second]) await writeFile(file, 'before');
  await writeFile(list, JSON.stringify({ entry, inputs: [readInput(first), readInput(second)] }));
  expect(readCurrent(list)).toBe(entry);
  await change(second, entry);
  return readCurrent(list) === entry;
}

test.each<[string, Parameters<typeof readAfter>[0]]>([
  ['an input of another size', (input) => writeFile(input, 'longer than before')],
  ['an input that is gone', (input) => unlink(input)],
  ['a script that is gone', (_, entry) => unlink(entry)],
  [
    'another content of the same size and time',
    async (input) => {
      const { atime, mtime } = await stat(input);
      await new Promise((resolve) => setTimeout(resolve, 20));
      await writeFile(input, 'behind');
      await utimes(input, atime, mtime);
    },
  ],
])('a build is not used with %s', async (_, change) => {
  expect(await readAfter(change)).toBe(false);
});

test('a list that is damaged, or not there, names no build', async () => {
  expect(readCurrent('/nowhere/current.json')).toBeUndefined();
  expect(readCurrent(fileURLToPath(import.meta.url))).toBeUndefined();
});

test('two processes that build at the same time make the same build', async () => {
  const script = fileURLToPath(new URL('./build.ts', import.meta.url));
  const build = async () => (await promisify(execFile)(process.execPath, [script, '--cache'])).stdout;
  const [first, second] = await Promise.all([build(), build()]);
  expect(first).toMatch(/build-[0-9a-f]{16}\/control-plane\.mjs\n$/);
  expect(second).toBe(first);
  expect(readCurrent()).toBe(first.trim());
});
