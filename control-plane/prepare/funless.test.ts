/** Core modules for FunLess's ABI through the real preparer: accepted without glue, or refused by name. */
import { readFileSync } from 'node:fs';
import { parse } from '@bytecodealliance/jco-transpile/wasm-tools';
import { decodeBundle } from '@skerry/shared/function/bundle.ts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createPreparer, type Preparer } from './preparer.ts';

const MiB = 1024 * 1024;
let preparer: Preparer;
beforeAll(() => {
  preparer = createPreparer();
});
afterAll(() => preparer.close());

const memory = '(memory (export "memory") 1)';
const invoke = '(func (export "__invoke") (param i32) (result i32) i32.const 0)';
const prepareText = async (text: string) => preparer.prepare(await parse(`(module ${text})`), { memoryBytes: 4 * MiB });
const refusal = (text: string): Promise<string> =>
  prepareText(text).then(
    () => 'it was accepted',
    (error: Error) => error.message,
  );

test('a module is bundled without glue, with capped memory and tables', async () => {
  const upload = readFileSync(new URL('../../test/fixtures/funless.wasm', import.meta.url));
  const prepared = await preparer.prepare(upload, { memoryBytes: 4 * MiB });
  const { glue, mode, modules, direct } = decodeBundle(prepared.bundle);
  expect(prepared).toMatchObject({
    world: 'funless',
    size: upload.byteLength,
    initialMemoryBytes: 4 * 65_536,
    imports: [
      'fl_imps.__console_log',
      'fl_imps.__get_input_data',
      'fl_imps.__http_request',
      'fl_imps.__insert_error',
      'fl_imps.__insert_response',
      'wasi_snapshot_preview1.fd_write',
      'wasi_snapshot_preview1.proc_exit',
    ],
  });
  expect({ glue, mode, direct }).toEqual({ glue: '', mode: 'suspending', direct: undefined });

  const [module] = modules;
  const nothing = () => 0;
  const imports = { fl_imps: {}, wasi_snapshot_preview1: {} } as Record<string, Record<string, () => number>>;
  for (const name of prepared.imports) {
    const [from = '', what = ''] = name.split('.');
    imports[from] = { ...imports[from], [what]: nothing };
  }
  const compiled = new WebAssembly.Module(Uint8Array.from(module?.bytes ?? []));
  const { exports } = new WebAssembly.Instance(compiled, imports);
  expect(() => (exports.memory as WebAssembly.Memory).grow(61)).toThrow(RangeError);
});

test('a module without imports and a module with many imports of WASI are accepted', async () => {
  await expect(prepareText(`${memory} ${invoke}`)).resolves.toMatchObject({ world: 'funless', imports: [] });
  const wasi = (name: string) => `(import "wasi_snapshot_preview1" "${name}" (func (param i32 i32) (result i32)))`;
  await expect(
    prepareText(`${wasi('environ_get')} ${wasi('path_open')} ${wasi('sock_recv')} ${memory} ${invoke}`),
  ).resolves.toMatchObject({ world: 'funless' });
});

test('an import that no host here provides is refused by its name', async () => {
  expect(await refusal(`(import "fl_imps" "__shell" (func)) ${memory} ${invoke}`)).toContain('fl_imps.__shell');
  expect(await refusal(`(import "env" "x" (func)) ${memory} ${invoke}`)).toContain('env.x');
  expect(await refusal(`(import "wasi_snapshot_preview1" "x" (func)) ${memory} ${invoke}`)).toContain('.x');
  expect(await refusal(`(import "fl_imps" "__console_log" (global i32)) ${memory} ${invoke}`)).toContain(
    'fl_imps.__console_log',
  );
  expect(await refusal(`(import "fl_imps" "memory" (memory 1)) ${invoke}`)).toContain('fl_imps.memory');
});

test('a missing export is refused by its name', async () => {
  expect(await refusal(`(import "fl_imps" "__insert_error" (func)) ${memory}`)).toContain('without __invoke');
  expect(await refusal(invoke)).toContain('memory');
  expect(await refusal(`(global (export "memory") i32 (i32.const 0)) ${invoke}`)).toContain('memory');
  expect(await refusal(`(global (export "__invoke") i32 (i32.const 0)) ${memory}`)).toContain('without __invoke');
  expect(await refusal(`(memory (export "memory") 100) ${invoke}`)).toContain('limits.memory_bytes');
});
