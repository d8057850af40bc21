/**
 * Uploads that no host here can run, kind by kind. Each refusal names the reason and the remedy. The tests make the
 * files, with faults that real uploads have. preparer.test.ts tests files that are no WebAssembly.
 */
import { parse } from '@bytecodealliance/jco-transpile/wasm-tools';
import { describe, expect, test } from 'vitest';
import { prepare } from './prepare.ts';

const memoryBytes = 2 ** 26;

async function refusal(text: string, wasi03 = false): Promise<string> {
  const refused = prepare(await parse(text), { memoryBytes, wasi03 });
  await expect(refused).rejects.toMatchObject({ code: 'component_rejected' });
  return refused.then(
    () => '',
    (error: Error) => error.message,
  );
}

/** A component that exports `run` of the interface `name`, lifted with `options` from a core function. */
const running = (name: string, { type = '', options = '', before = '', result = '(result i32) i32.const 0' } = {}) =>
  `(component ${before}
     (core module $m (func (export "run") ${result})) (core instance $i (instantiate $m))
     (func $run ${type} (result (result)) (canon lift (core func $i "run") ${options}))
     (instance $r (export "run" (func $run))) (export "${name}" (instance $r)))`;

const importing = (name: string, item: string) => `(import "${name}" (instance ${item}))`;

describe('modules for other hosts', () => {
  const start = '(memory (export "memory") 1) (func (export "_start"))';

  test.for([
    ['waPC', 'wapc', '__guest_response'],
    ['a proposal of WASI', 'wasi_ephemeral_nn', 'load'],
    ['an experiment of WASI', 'wasi_experimental_http', 'req'],
    ['Spin before components', 'spin-http', 'handle-http-request'],
    ["Ruby in a browser's page", 'rb-js-abi-host', 'eval-js'],
    ['Emscripten', 'env', 'emscripten_notify_memory_growth'],
  ] as const)('%s', async ([, module, name]) => {
    const message = await refusal(`(module (import "${module}" "${name}" (func)) ${start})`);
    expect(message).toContain(`${module}.${name}`);
    expect(message).toMatch(/build it for wasm32-wasip1, or as a component for WASI 0\.2/);
  });

  test('preview0', async () => {
    const message = await refusal(`(module (import "wasi_unstable" "fd_write" (func)) ${start})`);
    expect(message).toMatch(/preview0 \(wasi_unstable\); build it for wasm32-wasip1/);
  });

  test('an imported memory, and a memory that is not exported', async () => {
    const imported = '(module (import "env" "memory" (memory 1)) (func (export "_start")))';
    expect(await refusal(imported)).toMatch(/imports its memory; link it without --import-memory/);
    expect(await refusal('(module (memory 1) (func (export "_start")))')).toMatch(/export it under the name `memory`/);
  });

  test('a core module made for a component', async () => {
    const message = await refusal(`(module ${start} (@custom "component-type:x" "x"))`);
    expect(message).toMatch(/finish it with `wasm-tools component new` or `jco new`/);
  });
});

describe('components for other hosts', () => {
  test.for([
    'wasi:blobstore/blobstore@0.2.0-draft',
    'wasi:webgpu/webgpu@0.0.1',
    'wasi:nn/graph@0.2.0-rc-2024-10-28',
    'wasmcloud:messaging/consumer@0.2.0',
    'wasi:sockets/tcp@0.2.0-rc-2023-11-10',
  ])('%s', async (name) => {
    const message = await refusal(running('wasi:cli/run@0.2.3', { before: importing(name, '(export "f" (func))') }));
    expect(message).toBe(`imports that the host does not provide: ${name}`);
  });
});

describe('WASI 0.3', () => {
  const random = importing('wasi:random/random@0.3.0', '(export "get-random-u64" (func (result u64)))');
  const files = importing('wasi:filesystem/preopens@0.3.0', '(export "get-directories" (func))');
  const both = [false, true] as const;

  test('is refused unless it is enabled, with the setting that enables it', async () => {
    const message = await refusal(running('wasi:cli/run@0.3.0', { type: 'async' }));
    expect(message).toMatch(
      /exports wasi:cli\/run@0\.3\.0; build it for wasi:cli\/run@0\.2 instead, or set SKERRY_WASI_03=1/,
    );
    const imports = await refusal(running('wasi:cli/run@0.2.3', { before: random }));
    expect(imports).toMatch(
      /wasi:random\/random@0\.3\.0; build it for WASI 0\.2, or export it for 0\.3 as well and set SKERRY_WASI_03=1/,
    );
  });

  test('is refused in an HTTP handler unless it is enabled', async () => {
    const message = await refusal(running('wasi:http/handler@0.3.0', { type: 'async' }));
    expect(message).toMatch(
      /wasi:http\/handler@0\.3\.0; build it for wasi:http\/incoming-handler@0\.2.*SKERRY_WASI_03=1/,
    );
    const client = importing('wasi:http/client@0.3.0', '(export "send" (func async))');
    const sending = await refusal(running('wasi:http/handler@0.3.0', { type: 'async', before: client }), true);
    expect(sending).toMatch(/not provide: wasi:http\/client@0\.3\.0; use those of WASI 0\.2/);
  });

  test('is refused in imports of a component of 0.2, even when it is enabled', async () => {
    const message = await refusal(running('wasi:cli/run@0.2.3', { before: random }), true);
    expect(message).toMatch(
      /wasi:random\/random@0\.3\.0; a component that imports WASI 0\.3 must export wasi:cli\/run@0\.3 or wasi:http\/handler@0\.3/,
    );
    expect(await refusal(running('wasi:cli/run@0.2.3', { before: files }))).toMatch(/; build it for WASI 0\.2$/);
  });

  test('is refused in interfaces that the host does not provide, by name', async () => {
    const message = await refusal(running('wasi:cli/run@0.3.0', { type: 'async', before: `${random} ${files}` }), true);
    expect(message).toMatch(/not provide: wasi:filesystem\/preopens@0\.3\.0; use those of WASI 0\.2/);
  });

  test('is refused in drafts, even when it is enabled', async () => {
    const draft = 'wasi:cli/run@0.3.0-rc-2025-09-16';
    for (const wasi03 of both) {
      const message = await refusal(running(draft, { type: 'async' }), wasi03);
      expect(message).toBe(`it exports ${draft}; build it for wasi:cli/run@0.2 instead`);
      const older = await refusal(running(draft, { options: 'async' }), wasi03);
      expect(older).toMatch(/async function type.*; it is of a draft of WASI 0\.3: build it for WASI 0\.2/);
    }
  });

  test('is refused in built-ins that jco does not translate, by name', async () => {
    const before = '(core func (canon thread.index))';
    const message = await refusal(running('wasi:cli/run@0.3.0', { type: 'async', before }), true);
    expect(message).toContain('`thread.index` requires');
    const stackful = running('wasi:cli/run@0.3.0', { type: 'async', options: 'async', result: '' });
    expect(await refusal(stackful, true)).toMatch(/async without a callback \(stackful\).*build it with one/);
    const nested = `(component ${stackful} ${running('wasi:cli/run@0.3.0', { type: 'async' }).slice('(component'.length)}`;
    expect(await refusal(nested, true)).toContain('stackful');
  });

  test('is accepted when it is enabled, together with imports of 0.2', async () => {
    const old = importing('wasi:random/random@0.2.12', '(export "get-random-u64" (func (result u64)))');
    const text = running('wasi:cli/run@0.3.0', { type: 'async', before: `${random} ${old}` });
    const prepared = await prepare(await parse(text), { memoryBytes, wasi03: true });
    expect(prepared.world).toBe('wasi:cli/run@0.3');
    expect(prepared.imports).toEqual(['wasi:random/random@0.2.12', 'wasi:random/random@0.3.0']);
  });
});
