import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { checkImports, findStaleRules, readSourceTree } from './imports/check.ts';

async function readTree(files: Record<string, string>) {
  const root = await mkdtemp(join(tmpdir(), 'skerry-imports-'));
  onTestFinished(() => rm(root, { recursive: true, force: true }));
  for (const [path, source] of Object.entries(files)) {
    await mkdir(join(root, dirname(path)), { recursive: true });
    await writeFile(join(root, path), source);
  }
  return readSourceTree(root);
}

async function faultsOf(files: Record<string, string>): Promise<string[]> {
  return checkImports(await readTree(files));
}

const shared = { 'shared/names.ts': 'export type Name = string;\nexport const one = 1;\n' };

test('what follows the rules has no fault', async () => {
  const faults = await faultsOf({
    ...shared,
    'control-plane/api/routes.ts': "import { Hono } from 'hono';\nexport const routes = Hono;\n",
    'control-plane/app.ts':
      "import { routes } from './api/routes.ts';\nimport { list } from './modules.ts';\nexport const app = [routes, list];\n",
    'control-plane/modules.ts': "import { one } from '@skerry/shared/names.ts';\nexport const list = [one];\n",
    'cli/main.ts': "import type { app } from '@skerry/control-plane/app.ts';\nexport type App = typeof app;\n",
    'edge-agent/node_modules/x/utils.ts': 'not looked at',
  });
  expect(faults).toEqual([]);
});

test.each([
  [
    'edge-agent/a.ts',
    "import type { App } from '@skerry/control-plane/app.ts';",
    'edge-agent must not import control-plane',
  ],
  ['control-plane/a.ts', "import { x } from '../edge-agent/x.ts';", 'control-plane must not import edge-agent'],
  ['cli/a.ts', "import { app } from '@skerry/control-plane/app.ts';", 'cli may only `import type` from control-plane'],
  ['cli/a.ts', "export const load = () => import('@skerry/edge-agent/x.ts');", 'cli must not import edge-agent'],
  ['shared/a.ts', "import { readFile } from 'node:fs/promises';\nreadFile;", 'shared does no input or output'],
  ['control-plane/a.ts', "import type { Context } from 'hono';\nexport type C = Context;", 'hono is imported only in'],
  ['edge-agent/a.ts', "import pg from 'pg';\npg;", 'pg is imported only in'],
  ['edge-agent/a.ts', "import x from 'left-pad';\nx;", 'left-pad has no home yet'],
  ['edge-agent/a.ts', "import { x } from './gone.ts';\nx;", 'edge-agent/gone.ts is not there'],
  ['edge-agent/utils.ts', 'export const x = 1;', '"utils" does not say what is in it'],
  ['edge-agent/common/a.ts', 'export const x = 1;', '"common" does not say what is in it'],
  ['edge-agent/all.ts', "export { x } from './x.ts';", 'only hands on what other files export'],
  ['edge-agent/a.ts', '\n'.repeat(301), '301 lines; above 300 the header must say why'],
  ['edge-agent/a.ts', `/** Its lines are one table. */${'\n'.repeat(501)}`, '501 lines; the limit is 500'],
])('%s: %s', async (path, source, message) => {
  const faults = await faultsOf({
    'control-plane/app.ts': 'export const app = 1;\n',
    'edge-agent/x.ts': 'export const x = 1;\nexport type X = number;\n',
    [path]: `${source}\n`.replace(/\n\n$/, '\n'),
  });
  expect(faults).toHaveLength(1);
  expect(faults[0]).toContain(`${path}:`);
  expect(faults[0]).toContain(message);
});

test('a long file with a reason in its header, a test with any library, a comment that looks like an import', async () => {
  const faults = await faultsOf({
    'edge-agent/a.ts': `/** Above 300 lines: one table. */${'\n'.repeat(301)}`,
    'edge-agent/a.test.ts': "import pg from 'pg';\npg;\n",
    'edge-agent/b.ts': "// import type { X } from '@skerry/control-plane/app.ts'\nexport const b = 1;\n",
  });
  expect(faults).toEqual([]);
});

test('a cycle is reported with its path, through type-only imports too', async () => {
  const faults = await faultsOf({
    'shared/a.ts': "import { b } from './b.ts';\nexport const a = b;\n",
    'shared/b.ts': "import type { C } from './c.ts';\nexport const b: C = 1;\n",
    'shared/c.ts': "import { a } from './a.ts';\nexport type C = typeof a;\n",
  });
  expect(faults).toEqual(['cycle: shared/a.ts -> shared/b.ts -> shared/c.ts -> shared/a.ts']);
});

test('a room uses what its entry lists, and its tests use what they need', async () => {
  const faults = await faultsOf({
    'control-plane/db/store.ts': 'export const store = 1;\n',
    'control-plane/api/list.ts': "import { store } from '../db/store.ts';\nexport const list = store;\n",
    'control-plane/context.ts': "import { list } from './api/list.ts';\nexport const app = list;\n",
    'control-plane/db/store.test.ts': "import { list } from '../api/list.ts';\nlist;\n",
  });
  expect(faults).toEqual([]);
});

test.each([
  [
    'control-plane/db/read.ts',
    "import { sink } from '../sinks/sink.ts';\nsink;",
    'control-plane/db/ must not use control-plane/sinks/. Move what both need to a room that both may use',
  ],
  [
    'control-plane/novelty/a.ts',
    "import { sink } from '../sinks/sink.ts';\nsink;",
    'control-plane/novelty/ is a room that scripts/imports/rooms.ts does not know',
  ],
  [
    'control-plane/sinks/log.ts',
    "import { context } from '../context.ts';\ncontext;",
    'control-plane/sinks/ must not use control-plane/',
  ],
])('%s uses another room: %s', async (path, source, message) => {
  const faults = await faultsOf({
    'control-plane/sinks/sink.ts': 'export const sink = 1;\n',
    'control-plane/context.ts': 'export const context = 1;\n',
    [path]: `${source}\n`,
  });
  expect(faults).toHaveLength(1);
  expect(faults[0]).toMatch(new RegExp(`^${path}:1: `));
  expect(faults[0]).toContain(message);
});

test('folders that need each other are reported with an import for each step, through types too', async () => {
  const faults = await faultsOf({
    'edge-agent/runner/a.ts': "import type { B } from './host/b.ts';\nexport type A = B;\n",
    'edge-agent/runner/types.ts': 'export type T = 1;\n',
    'edge-agent/runner/host/b.ts': "import type { T } from '../types.ts';\nexport type B = T;\n",
  });
  expect(faults).toEqual([
    'folders need each other: edge-agent/runner -> edge-agent/runner/host -> edge-agent/runner ' +
      '(edge-agent/runner/a.ts imports edge-agent/runner/host/b.ts; ' +
      'edge-agent/runner/host/b.ts imports edge-agent/runner/types.ts). ' +
      'Move what they share to a folder below both, or take it as a parameter',
  ]);
});

test('twelve loose files are allowed, thirteen are not, and tests do not count', async () => {
  const many = (count: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, n) => [`shared/http/file-${n}.ts`, 'export const x = 1;\n']));
  expect(await faultsOf({ ...many(12), 'shared/http/file-1.test.ts': '\n' })).toEqual([]);
  expect(await faultsOf(many(13))).toEqual([
    'shared/http/: 13 source files; at most 12. Give those that belong together a folder named for what they share',
  ]);
});

test('rules that nothing uses are reported', async () => {
  const stale = findStaleRules(await readTree({ 'control-plane/api/list.ts': "import 'hono';\n" }));
  expect(stale).toContain('scripts/imports/rooms.ts: control-plane/api does not use db; remove the entry');
  expect(stale).toContain('scripts/imports/homes.ts: nothing in test/ imports hono; remove the place');
  expect(stale).not.toContain('scripts/imports/homes.ts: nothing in control-plane/api/ imports hono; remove the place');
});
