/** The glossary in docs/ARCHITECTURE.md must agree with the exported types, and one type name must mean one thing. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { checkGlossary, findSharedTypeNames, readGlossary } from './glossary-checker.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const sourceOf = (file: string) => (existsSync(join(root, file)) ? readFileSync(join(root, file), 'utf8') : undefined);
const page = readFileSync(join(root, 'docs/ARCHITECTURE.md'), 'utf8');

/** Tests, their harnesses, and files that `fn new` copies into projects of users are not the product's own types. */
const notOurs = /\.test\.ts$|\/testing\/|^cli\/templates\//;
const listed = execFileSync('git', ['ls-files', 'shared', 'control-plane', 'edge-agent', 'cli'], { cwd: root })
  .toString()
  .split('\n')
  .filter((file) => file.endsWith('.ts') && !notOurs.test(file));

/** The names that several files may use, by the reason. A name leaves this list when only one type has it. */
const sharedNames: Readonly<Record<string, readonly string[]>> = {
  'the command line declares the answers of the API from its side': [
    'DeadLetter',
    'Deployed',
    'FunctionLogs',
    'JoinToken',
    'SinkState',
    'Subject',
  ],
  'agent and control plane, which never import each other, each have their side of it': [
    'Call',
    'CallOutcome',
    'Hello',
    'InvocationOutcome',
    'InvocationRequest',
    'Metrics',
  ],
  'one of the two names comes from a WASI interface': ['ErrorCode', 'RequestOptions'],
};

test('the glossary names types that exist, in order, without a word to avoid', () => {
  expect(readGlossary(page).length).toBeGreaterThan(30);
  expect(checkGlossary(page, sourceOf)).toEqual([]);
});

test('no two exported types have one name, apart from those with a reason', () => {
  const sources = new Map(listed.map((file) => [file, sourceOf(file) ?? '']));
  expect([...findSharedTypeNames(sources).keys()].sort()).toEqual(Object.values(sharedNames).flat().sort());
});

const pageOf = (...rows: string[]) =>
  `## Glossary\n\n| word | meaning | type |\n| --- | --- | --- |\n${rows.join('\n')}\n`;
const planted = (...rows: string[]) =>
  checkGlossary(pageOf(...rows), (file) =>
    file === 'a' ? 'export type Agent = 1;\nexport const run = 1;' : undefined,
  );

/** In two pieces, since the rules of prose hold for this file as well. */
const avoided = ['sh', 'all'].join('');

test.each([
  ['a type that is not exported', '| bundle | Code. | `Bundle` (`a`) |', 'a does not export a type Bundle'],
  ['a constant in place of a type', '| bundle | Code. | `run` (`a`) |', 'a does not export a type run'],
  ['a file that is not there', '| bundle | Code. | `Agent` (`b`) |', 'there is no file b'],
  ['a cell without a file', '| bundle | Code. | `Agent` |', '"`Agent`" does not name a type and its file'],
  ['a word out of order', '| act | A step. | |', '"act" stands after "agent"'],
  ['a word that is there twice', '| agent | A step. | |', '"agent" is there twice'],
  ['a word to avoid', `| bundle | It ${avoided} run. | |`, `"bundle" has the words "${avoided}"`],
])('the checker finds %s', (_, row, fault) => {
  const good = '| agent | A program. | `Agent` (`a`) |';
  expect(planted(good, '| bundle | Code. | |')).toEqual([]);
  expect(planted(good, row)).toEqual([fault]);
});

test('the checker finds a type name of two files', () => {
  const sources = new Map([
    ['a', 'export type Agent = 1;\nexport type Other = 1;'],
    ['b', 'export class Agent {}\nexport function Other() {}'],
  ]);
  expect([...findSharedTypeNames(sources)]).toEqual([['Agent', ['a', 'b']]]);
});
