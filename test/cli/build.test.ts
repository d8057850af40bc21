/** `skerry fn new` and `skerry fn build`: they write projects and components that the control plane accepts. */
import { execFileSync } from 'node:child_process';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { generateTypes } from '@bytecodealliance/jco/component';
import { findToolchain } from '@skerry/cli/build/rust.ts';
import { createPreparer } from '@skerry/control-plane/prepare/preparer.ts';
import { afterAll, describe, expect, onTestFinished, test } from 'vitest';
import { type CliBench, openCliBench } from './in-process.ts';

const preparer = createPreparer({ timeoutMs: 60_000, memoryMb: 1_024 });
afterAll(() => preparer.close());

function hasClang(): boolean {
  try {
    return execFileSync('clang', ['--print-targets'], { stdio: 'pipe' }).toString().includes('wasm32');
  } catch {
    return false;
  }
}
const clang = hasClang() ? '' : ' (skipped: no clang with wasm32 here)';
const rust = await findToolchain('.').then(
  () => '',
  () => ' (skipped: no Rust for WebAssembly here)',
);

describe('new', () => {
  const handler = ['.gitignore', 'README.md', 'manifest.json', 'wit'];
  test.each([
    ['js', 'handler', ['handler.js', 'skerry.d.ts', ...handler]],
    ['ts', 'handler', ['handler.ts', 'skerry.d.ts', 'tsconfig.json', ...handler]],
    ['rust', 'handler', ['Cargo.toml', 'src', ...handler]],
    ['c', 'handler', ['abi.c', 'handler.c', 'skerry.h', ...handler]],
    ['js', 'http', ['http.js', 'skerry.d.ts', ...handler.slice(0, 3)]],
    ['ts', 'http', ['http.ts', 'skerry.d.ts', 'tsconfig.json', ...handler.slice(0, 3)]],
    ['rust', 'http', ['Cargo.toml', 'src', ...handler.slice(0, 3)]],
    ['c', 'http', ['abi.c', 'http.c', 'skerry.h', ...handler.slice(0, 3)]],
  ])('%s %s', async (lang, world, files) => {
    const { run, directory } = await openCliBench();
    const { code, out } = await run(['fn', 'new', 'my-fn', '--lang', lang, '--world', world]);
    expect(code).toBe(0);
    expect((await readdir(join(directory, 'my-fn'))).sort()).toEqual(files.sort());
    expect(out).toContain('skerry fn deploy my-fn my-fn.wasm --manifest manifest.json\n');
    for (const file of ['README.md', ...(lang === 'rust' ? ['Cargo.toml'] : [])]) {
      const text = await readFile(join(directory, 'my-fn', file), 'utf8');
      expect(text).toContain('my-fn');
      expect(text).not.toContain('{{');
    }
  });

  test.each([
    ['1abc', 'f-1abc'],
    ['abc', 'abc'],
  ])('%s becomes the package %s for cargo, and keeps its name elsewhere', async (name, cargoName) => {
    const { run, directory } = await openCliBench();
    await run(['fn', 'new', name, '--lang', 'rust']);
    expect(await readFile(join(directory, name, 'Cargo.toml'), 'utf8')).toContain(`name = "${cargoName}"\n`);
    expect(await readFile(join(directory, name, 'README.md'), 'utf8')).toContain(`skerry fn invoke ${name} `);
  });

  test.each([
    ['a directory that is not empty', ['taken']],
    ['an invalid name', ['../up']],
    ['an unknown language', ['x', '--lang', 'cobol']],
  ])('%s is refused', async (_, options) => {
    const { run, directory } = await openCliBench();
    await mkdir(join(directory, 'taken'));
    await writeFile(join(directory, 'taken/file'), '');
    const { code } = await run(['fn', 'new', ...options]);
    expect(code).toBe(2);
    expect(await readdir(join(directory, 'taken'))).toEqual(['file']);
  });
});

test('the template declares the handler type that its WIT gives', async () => {
  const wit = await readFile(new URL('../../shared/wit/handler.wit', import.meta.url), 'utf8');
  const files = await generateTypes('fn', { wit: { tag: 'source', val: wit }, world: 'handler', guest: true });
  const [, parameters, result] =
    /function invoke(\(.*\)): (\w+);/.exec(files.map(([, text]) => Buffer.from(text).toString()).join('')) ?? [];
  for (const template of ['js-handler', 'ts-handler']) {
    const types = await readFile(new URL(`../../cli/templates/${template}/skerry.d.ts`, import.meta.url), 'utf8');
    expect(types).toContain(`export type Invoke = ${parameters} => ${result};`);
  }
});

async function prepared(run: CliBench['run'], directory: string) {
  await run(['fn', 'build', 'f']);
  return preparer.prepare(await readFile(join(directory, 'f/f.wasm')), { memoryBytes: 2 ** 26 });
}

test.each([
  ['hello-c', 'c', 'handler'],
  ['hello-rust', 'rust', 'handler'],
  ['http-rust', 'rust', 'http'],
  ['http-ts', 'ts', 'http'],
])('examples/%s equals the project that fn new writes', async (name, lang, world) => {
  const { run, directory } = await openCliBench();
  await run(['fn', 'new', name, '--lang', lang, '--world', world]);
  const files = (await readdir(join(directory, name), { recursive: true, withFileTypes: true })).filter((file) =>
    file.isFile(),
  );
  expect(files.length).toBeGreaterThan(3);
  for (const file of files) {
    const path = join(file.parentPath, file.name).slice(join(directory, name).length + 1);
    const example = await readFile(new URL(`../../examples/${name}/${path}`, import.meta.url), 'utf8');
    expect(example, path).toBe(await readFile(join(directory, name, path), 'utf8'));
  }
});

describe('build', () => {
  test.each([
    ['js', 'handler', 'skerry:function/handler'],
    ['ts', 'handler', 'skerry:function/handler'],
    ...(clang === ''
      ? [
          ['c', 'handler', 'skerry:function/handler'],
          ['c', 'http', 'wasi:http/incoming-handler'],
        ]
      : []),
    ...(rust === ''
      ? [
          ['rust', 'handler', 'skerry:function/handler'],
          ['rust', 'http', 'wasi:http/incoming-handler'],
        ]
      : []),
  ])(
    `the control plane prepares a new %s %s project as %s${clang}${rust}`,
    { timeout: 120_000 },
    async (lang = '', world = '', prepared = '') => {
      const { run, directory } = await openCliBench();
      await run(['fn', 'new', 'f', '--lang', lang, '--world', world]);
      const built = await run(['fn', 'build', 'f', '--json']);
      expect(built).toMatchObject({ code: 0, err: expect.stringMatching(/^Building f\/f\.wasm /) });
      const bytes = await readFile(join(directory, 'f/f.wasm'));
      expect(JSON.parse(built.out)).toMatchObject({ language: lang, world, size: bytes.byteLength });
      expect(await preparer.prepare(bytes, { memoryBytes: 2 ** 26 })).toMatchObject({ world: prepared });
    },
  );

  test('the build bundles imports and strips types', async () => {
    const { run, directory } = await openCliBench();
    await mkdir(join(directory, 'f'));
    await writeFile(join(directory, 'f/greet.ts'), 'export const greet = (name: string) => "Hi " + name;');
    await writeFile(
      join(directory, 'f/handler.ts'),
      `import { greet } from './greet.ts';\nexport const invoke = (input: string): string => JSON.stringify(greet(input));`,
    );
    const { code } = await run(['fn', 'build', 'f', '-o', 'out.wasm']);
    expect(code).toBe(0);
    expect((await readFile(join(directory, 'out.wasm'))).includes('Hi ')).toBe(true);
  });

  test.each([
    ['no source', {}, /none of handler\.js/],
    ['two functions', { 'handler.js': '', 'http.c': '' }, /handler\.js and http\.c/],
    ['a missing import', { 'handler.js': 'import "./nothing.js"' }, /nothing\.js/],
    ['invalid TypeScript', { 'handler.ts': 'export const = 1' }, /handler\.ts:1:14: /],
    ['invalid JavaScript', { 'handler.js': 'export function invoke( {' }, /handler\.js:1:\d+: /],
    [
      'a handler without invoke',
      { 'handler.js': 'export const run = () => 1' },
      /handler\.js must export .* exports run/,
    ],
    [
      'a handler with a default export',
      { 'handler.ts': 'export default () => 1' },
      /handler\.ts must export .* default/,
    ],
    ['a CommonJS handler', { 'handler.js': 'exports.invoke = () => "1"' }, /handler\.js must export/],
    ['an empty handler', { 'handler.js': '' }, /handler\.js must export .* nothing/],
  ])('%s: the build says so in one line, and writes nothing', async (_, files, message) => {
    const { run, directory } = await openCliBench();
    await mkdir(join(directory, 'f'));
    for (const [name, text] of Object.entries(files)) await writeFile(join(directory, 'f', name), text);
    const { code, err } = await run(['fn', 'build', 'f']);
    expect(code).not.toBe(0);
    expect(err).toMatch(message);
    expect(await readdir(join(directory, 'f'))).toEqual(Object.keys(files));
  });

  test(`an HTTP function in C may call clocks and random numbers, and imports only the ones it calls${clang}`, {
    skip: clang !== '',
  }, async () => {
    const { run, directory } = await openCliBench();
    await run(['fn', 'new', 'f', '--lang', 'c', '--world', 'http']);
    const { imports: before } = await prepared(run, directory);
    await writeFile(
      join(directory, 'f/now.c'),
      `#include <stdint.h>
__attribute__((import_module("wasi:clocks/monotonic-clock@0.2.12"), import_name("now"))) uint64_t now(void);
__attribute__((import_module("wasi:random/random@0.2.12"), import_name("get-random-u64"))) uint64_t any(void);
__attribute__((constructor)) static void look(void) { now(), any(); }
`,
    );
    const { imports } = await prepared(run, directory);
    const names = (list: readonly string[]) => list.map((name) => name.replace(/@.*/, ''));
    expect(names(imports).filter((name) => !names(before).includes(name))).toEqual([
      'wasi:clocks/monotonic-clock',
      'wasi:random/random',
    ]);
  });

  test('a missing compiler: the message says how to install it', async () => {
    const { run, directory } = await openCliBench();
    const { PATH } = process.env;
    await run(['fn', 'new', 'f', '--lang', 'c']);
    process.env.PATH = directory;
    onTestFinished(() => {
      process.env.PATH = PATH;
    });
    const { code, err } = await run(['fn', 'build', 'f']);
    expect(code).toBe(1);
    expect(err).toMatch(/clang is not installed\. .*apt install clang/);
  });
});
