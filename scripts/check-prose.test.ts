import { execFile } from 'node:child_process';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { checkFileNames } from './prose/file-names.ts';
import { readPassages } from './prose/passages.ts';
import { checkProse } from './prose/rules.ts';

const findWords = (path: string, source: string): string[] =>
  readPassages(path, source).flatMap(({ text }) => checkProse(text).map(({ words }) => words));

test.each([
  'The agent shall hold it.',
  'Whoever calls owns the timer.',
  'Nobody waits for it.',
  'It is sent anew.',
  'Four at one time.',
  'It takes so many of them.',
  'The broker is told.',
  'It runs for ever.',
  'Summer time is minded.',
  'What was taken is removed.',
  'It is read. What is left stays.',
  'It is read; who comes late waits.'.replace('who', 'Who'),
  'Of one that is gone, the queue can say so.',
])('a comment with a forbidden word or without a noun: %s', (comment) => {
  expect(findWords('a.ts', `/** ${comment} */\nexport const a = 1;\n`)).toHaveLength(1);
});

test.each([
  'The agent holds at most 1,000 lines. Each line has its time.',
  'What does a deploy cost? See docs/BENCH.md.',
  'It says what it needs, and who asked for it.',
])('a sentence in plain English passes: %s', (comment) => {
  expect(findWords('a.ts', `// ${comment}\nexport const a = 1;\n`)).toEqual([]);
});

test('messages and titles are prose; names, code and short strings are not', () => {
  const source = [
    "log.warn('the job shall be tried again');",
    "test('whoever comes late waits for a place', () => {});",
    "const nobody = 'nobody';",
    'const pattern = /(nobody|somebody) is told/;',
    'throw new Error(`nobody holds $' + '{name} any more`);',
  ].join('\n');
  expect(findWords('a.ts', source)).toEqual(['shall', 'whoever', 'nobody']);
});

test('pages: paragraphs, lists and cells of tables, without code and headings', () => {
  const page = [
    '## What it does',
    'The agent shall start.',
    '- Whoever calls gets an answer.',
    '| a | What is left |',
    '```',
    'this shall not be read',
    '```',
    'A word as `shall be` in code is none.',
  ].join('\n');
  expect(
    readPassages('a.md', page).flatMap(({ text, line }) => checkProse(text).map(({ words }) => [words, line])),
  ).toEqual([
    ['shall', 2],
    ['Whoever', 3],
    ['What', 4],
  ]);
});

test('a file that prose names must be there', () => {
  const files = ['shared/errors.ts', 'edge-agent/storage/store.ts'];
  expect(checkFileNames('a.ts', 'see errors.ts, storage/store.ts and shared/errors.ts', files)).toEqual([]);
  expect(checkFileNames('a.ts', 'see gone.ts', files)).toEqual([
    { words: 'gone.ts', advice: 'no file of this name is there; name the one that is' },
  ]);
});

test('the command names the file and the line, and exits with 1', { timeout: 60_000 }, async () => {
  const planted = join(import.meta.dirname, 'prose/planted-fault.md');
  onTestFinished(() => rm(planted, { force: true }));
  await writeFile(planted, 'Plain.\n\nThis shall fail.\n');
  const run = promisify(execFile)(process.execPath, [
    join(import.meta.dirname, 'check-prose.ts'),
    'scripts/prose/planted',
  ]);
  await expect(run).rejects.toMatchObject({
    code: 1,
    stderr: 'scripts/prose/planted-fault.md:3: "shall": say "must", "can" or use the present tense\n',
  });
});
