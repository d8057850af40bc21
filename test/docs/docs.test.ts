/** Pages must name every error code and every setting, and link to what is there. */
import { access, readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { environmentNames as controlPlaneNames } from '@skerry/control-plane/config/config.ts';
import { environmentNames } from '@skerry/edge-agent/config.ts';
import { errorKinds } from '@skerry/shared/errors.ts';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const read = (file: string) => readFile(join(root, file), 'utf8');

test('docs/API.md has every error code with its status', async () => {
  const rows = (await read('docs/API.md')).matchAll(/^\| (\d{3}) \| `(\w+)` \| (.*) \|$/gm);
  const named = [...rows].map(([, status, code, text = '']) => [
    code,
    Number(status),
    text.includes('nothing started'),
  ]);
  const expected = Object.entries(errorKinds).map(([code, { status, retryable }]) => [code, status, retryable]);
  expect(named.sort()).toEqual(expected.sort());
});

test('docs/agent.md has every setting of the agent', async () => {
  const named = [...(await read('docs/agent.md')).matchAll(/^\| `(SKERRY_\w+)` \|/gm)].map(([, name]) => name);
  expect(named.sort()).toEqual([...environmentNames].sort());
});

test('docs/control-plane.md has every setting of the control plane', async () => {
  const page = await read('docs/control-plane.md');
  const named = [...page.matchAll(/^\| `([A-Z_0-9]+)` \|/gm)].map(([, name]) => name);
  expect(named.sort()).toEqual([...controlPlaneNames].sort());
});

const pages = ['README.md', 'CONTRIBUTING.md', ...(await readdir(join(root, 'docs'))).map((name) => `docs/${name}`)];

test.each(pages.filter((page) => page.endsWith('.md')))('the links of %s lead somewhere', async (page) => {
  const text = await read(page);
  for (const [, target = ''] of text.matchAll(/\]\(([^)]+)\)/g)) {
    if (/^https?:/.test(target)) continue;
    const [file = '', anchor] = target.split('#');
    const path = file === '' ? page : join(dirname(page), file);
    await access(join(root, path));
    if (anchor === undefined) continue;
    const anchors = [...(await read(path)).matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
      heading
        .toLowerCase()
        .replace(/[^\w\- ]/g, '')
        .replaceAll(' ', '-'),
    );
    expect(anchors).toContain(anchor);
  }
  expect(text).toMatch(/^# /);
});
