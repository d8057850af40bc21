/** The journeys in docs/ARCHITECTURE.md must pass files that exist and export the names given. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { checkJourneys, readJourneys } from './journey-checker.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const sourceOf = (file: string) => (existsSync(join(root, file)) ? readFileSync(join(root, file), 'utf8') : undefined);
const page = readFileSync(join(root, 'docs/ARCHITECTURE.md'), 'utf8');

test('each step of the three journeys names a file and what it exports', () => {
  expect([...readJourneys(page).keys()]).toEqual(['An upload', 'A call', 'An event on a device']);
  expect(checkJourneys(page, sourceOf)).toEqual([]);
});

const step = '[`a`](../a) `run` runs.';
const pageOf = (...steps: string[]) =>
  `## Three journeys\n\n### One\n\n${steps.map((text, at) => `${at + 1}. ${text}`).join('\n')}\n\n## Next\n`;
const planted = (text: string) =>
  checkJourneys(pageOf(...Array<string>(8).fill(step), text), (file) =>
    file === 'a' ? 'export function run() {}\nfunction hidden() {}\n' : undefined,
  );

test.each([
  ['a step without a file', 'It runs.', 'step 9 of "One" names no file'],
  ['a file that is not there', '[`b`](../b) `run` runs.', 'there is no file b'],
  ['a name that is not exported', '[`a`](../a) `hidden` runs.', 'a does not export hidden'],
  ['a file without a name', '[`a`](../a) runs.', 'no name follows a'],
  ['a link to another file', '[`a`](../b) `run` runs.', 'the link of a leads to ../b'],
  ['a fault in a continued line', '[`a`](../a) `run` runs.\n   [`b`](../b) `run`.', 'there is no file b'],
])('the checker finds %s', (_, text, fault) => {
  expect(planted(step)).toEqual([]);
  expect(planted(text)).toEqual([fault]);
});

test('the checker finds a journey that is too short or too long', () => {
  expect(checkJourneys(pageOf('It runs.'), sourceOf)).toContain('"One" has 1 steps');
  const long = checkJourneys(pageOf(...Array<string>(15).fill(step)), () => 'export const run = 1;');
  expect(long).toEqual(['"One" has 15 steps']);
});
