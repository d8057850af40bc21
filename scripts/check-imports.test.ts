import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { checkImports } from './imports/check.ts';

async function faultsOf(files: Record<string, string>): Promise<string[]> {
  const root = await mkdtemp(join(tmpdir(), 'skerry-imports-'));
  onTestFinished(() => rm(root, { recursive: true, force: true }));
  for (const [path, source] of Object.entries(files)) {
    await mkdir(join(root, dirname(path)), { recursive: true });
    await writeFile(join(root, path), source);
  }
  return (await checkImports(root)).faults;
}

const shared = { 'shared/names.ts': 'export type Name = string;\nexport const one = 1;\n' };

test('what follows the rules has no fault', async () => {
  const faults = await faultsOf({
    ...shared,
    'control-plane/app.ts':
      "import { Hono } from 'hono';\nimport { list } from './modules.ts';\nexport const app = [Hono, list];\n",
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
