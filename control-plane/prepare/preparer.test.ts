import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from '@bytecodealliance/jco-transpile/wasm-tools';
import { computeDigest, decodeBundle } from '@skerry/shared/function/bundle.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createPreparer, type Preparer } from './preparer.ts';

const root = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const fixture = (name: string): Uint8Array => readFileSync(root(`test/fixtures/${name}`));
const MiB = 1024 * 1024;
const options = { memoryBytes: 64 * MiB };

let preparer: Preparer;
beforeAll(() => {
  preparer = createPreparer();
});
afterAll(() => preparer.close());

/** Each refused upload must leave the preparer usable for the next one. */
async function refusal(upload: Uint8Array, memoryBytes = options.memoryBytes): Promise<string> {
  const refused = preparer.prepare(upload, { memoryBytes });
  await expect(refused).rejects.toMatchObject({ code: 'component_rejected' });
  return refused.then(
    () => '',
    (error: Error) => error.message,
  );
}

describe('accepted', () => {
  test('a handler without imports runs in plain mode', async () => {
    const upload = fixture('handler.wasm');
    const prepared = await preparer.prepare(upload, options);
    const bundle = decodeBundle(prepared.bundle);
    expect(prepared).toMatchObject({
      componentDigest: computeDigest(upload),
      bundleDigest: computeDigest(prepared.bundle),
      world: 'skerry:function/handler',
      imports: [],
      size: upload.byteLength,
      initialMemoryBytes: 2 * 65_536,
    });
    expect(bundle).toMatchObject({ world: 'skerry:function/handler', exportName: 'invoke', mode: 'plain' });
    expect(bundle.direct?.state).toHaveLength(3); // memory, stack pointer and slack
  });

  test('a handler that may wait runs in suspending mode, and its imports are listed with their versions', async () => {
    const prepared = await preparer.prepare(fixture('host.wasm'), options);
    expect(prepared.imports).toContain('wasi:io/poll@0.2.12');
    expect(prepared.imports).toEqual(prepared.imports.toSorted());
    expect(decodeBundle(prepared.bundle).mode).toBe('suspending');
  });

  test('a wasi:http component runs in suspending mode', async () => {
    const prepared = await preparer.prepare(fixture('http.wasm'), options);
    expect(prepared.world).toBe('wasi:http/incoming-handler');
    expect(prepared.imports).toContain('wasi:http/outgoing-handler@0.2.12');
    const { mode, exportName } = decodeBundle(prepared.bundle);
    expect({ mode, exportName }).toEqual({ mode: 'suspending', exportName: 'wasi:http/incoming-handler@0.2.12' });
  });

  test('imports of drafts of any version', async () => {
    const component = await parse(
      `(component
         (import "wasi:logging/logging" (instance $l (export "log" (func))))
         (import "wasi:keyvalue/store@0.2.0-draft2" (instance $k (export "open" (func))))
         (core func $log (canon lower (func $l "log"))) (core func $open (canon lower (func $k "open")))
         (core module $m (import "a" "b" (func)) (import "a" "c" (func)) (func (export "run") (result i32) i32.const 0))
         (core instance $i (instantiate $m (with "a" (instance (export "b" (func $log)) (export "c" (func $open))))))
         (func $run (result (result)) (canon lift (core func $i "run")))
         (instance $r (export "run" (func $run))) (export "wasi:cli/run@0.2.3" (instance $r)))`,
    );
    const { imports } = await preparer.prepare(component, options);
    expect(imports).toEqual(['wasi:keyvalue/store@0.2.0-draft2', 'wasi:logging/logging']);
  });

  test('a preview1 command is adapted to a component with the imports of the same program for WASI 0.2', async () => {
    const [adapted, component] = await Promise.all([
      preparer.prepare(fixture('command.wasm'), options),
      preparer.prepare(fixture('run.wasm'), options),
    ]);
    expect(adapted.world).toBe('wasi:cli/run');
    expect(adapted.imports).toEqual(component.imports);
    expect(adapted.componentDigest).not.toBe(component.componentDigest);
  });

  test('the JavaScript example, which runs with glue', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'skerry-test-'));
    try {
      const output = join(directory, 'hello.wasm');
      execFileSync(process.execPath, [root('scripts/build-example.ts'), root('examples/hello-js/handler.js'), output]);
      const prepared = await preparer.prepare(readFileSync(output), options);
      expect(prepared).toMatchObject({ world: 'skerry:function/handler', imports: [] });
      const { mode, direct } = decodeBundle(prepared.bundle);
      expect(mode).toBe('plain');
      expect(direct).toBeUndefined(); // nested components, joined by adapters
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  test('the same upload and limit give the same bundle, and another limit gives another bundle', async () => {
    const upload = fixture('handler.wasm');
    const [first, second, other] = await Promise.all([
      preparer.prepare(upload, options),
      preparer.prepare(upload, options),
      preparer.prepare(upload, { memoryBytes: 32 * MiB }),
    ]);
    expect(second.bundleDigest).toBe(first.bundleDigest);
    expect(other.bundleDigest).not.toBe(first.bundleDigest);
  });
});

describe('refused', () => {
  const handler = fixture('handler.wasm');

  test('a file that is not WebAssembly', async () => {
    expect(await refusal(new Uint8Array(0))).toContain('empty');
    expect(await refusal(Buffer.from('#!/bin/sh\n'))).toContain('not WebAssembly');
    expect(await refusal(handler.subarray(0, 6))).toContain('truncated');
  });

  test('a truncated or damaged file', async () => {
    expect(await refusal(handler.subarray(0, handler.byteLength - 100))).toContain('truncated');
    const damaged = Uint8Array.from(handler);
    damaged.fill(0xff, 9_000, 9_100);
    expect(await refusal(damaged)).not.toBe('');
  });

  test('old and unknown binary versions', async () => {
    expect(await refusal(Uint8Array.from([0, 0x61, 0x73, 0x6d, 0x0c, 0, 1, 0]))).toContain('old binary version 0xc');
    expect(await refusal(Uint8Array.from([0, 0x61, 0x73, 0x6d, 2, 0, 0, 0]))).toContain('version 2');
  });

  test('a WIT package, after which the next upload succeeds', async () => {
    const wit = await parse(
      '(component (type (component (type (instance)) (export "a:b/c" (instance (type 0))))) (export "c" (type 0)))',
    );
    expect(await refusal(wit)).toContain('WIT package');
    await expect(preparer.prepare(handler, options)).resolves.toMatchObject({ imports: [] });
  });

  test('core modules for another host', async () => {
    const module = (imports: string, rest = '(func (export "_start")) (memory (export "memory") 1)') =>
      parse(`(module ${imports} ${rest})`);
    expect(await refusal(await module('(import "env" "a" (func)) (import "env" "b" (func))'))).toContain(
      'env.a, env.b',
    );
    expect(await refusal(await module('(import "wasi_unstable" "fd_write" (func))'))).toContain('preview0');
    expect(await refusal(await module('(import "fl_imps" "__insert_error" (func))'))).toMatch(/FunLess.*__invoke/);
    expect(await refusal(await module('', '(func (export "main"))'))).toMatch(/without _start.*main/);
    expect(await refusal(await module('(import "wasi_snapshot_preview1" "nope" (func))'))).toContain('.nope');
  });

  test('components that fit no world', async () => {
    const other = await parse(
      `(component (core module $m (func (export "f") (result i32) i32.const 1))
         (core instance $i (instantiate $m)) (func $f (result u32) (canon lift (core func $i "f")))
         (export "answer" (func $f)))`,
    );
    expect(await refusal(other)).toMatch(/exports answer: func.*skerry:function\/handler/);
  });

  test('worlds of other versions, with the version to build for', async () => {
    const exporting = (name: string, func: string) =>
      parse(
        `(component (core module $m (func (export "f") (result i32) i32.const 0)) (core instance $i (instantiate $m))
           (func $f (result (result)) (canon lift (core func $i "f"))) (instance $h (export "${func}" (func $f)))
           (export "${name}" (instance $h)))`,
      );
    expect(await refusal(await exporting('wasi:http/handler@0.3.0', 'handle'))).toMatch(
      /wasi:http\/handler@0\.3\.0.*build it for wasi:http\/incoming-handler@0\.2/,
    );
    expect(await refusal(await exporting('wasi:http/incoming-handler@0.2.0-rc-2023-11-10', 'handle'))).toContain(
      'rc-2023',
    );
    expect(await refusal(await exporting('wasi:cli/run@0.3.0', 'run'))).toMatch(/build it for wasi:cli\/run@0\.2/);
  });

  test('imports that the host lacks, by name', async () => {
    const component = await parse(
      `(component
         (import "wasi:nn/graph" (instance $l (export "log" (func))))
         (import "wasi:blobstore/container@0.3.0" (instance $k (export "open" (func))))
         (core func $log (canon lower (func $l "log"))) (core func $open (canon lower (func $k "open")))
         (core module $m (import "a" "b" (func)) (import "a" "c" (func)) (func (export "run") (result i32) i32.const 0))
         (core instance $i (instantiate $m (with "a" (instance (export "b" (func $log)) (export "c" (func $open))))))
         (func $run (result (result)) (canon lift (core func $i "run")))
         (instance $r (export "run" (func $run))) (export "wasi:cli/run@0.2.3" (instance $r)))`,
    );
    const message = await refusal(component);
    expect(message).toContain('wasi:nn/graph');
    expect(message).toContain('wasi:blobstore/container@0.3.0');
  });

  test('an initial memory above the limit, with the setting to change', async () => {
    expect(await refusal(handler, 65_536)).toContain('limits.memory_bytes');
  });
});

describe('limits', () => {
  test('an upload that takes too long is refused', async () => {
    const hasty = createPreparer({ timeoutMs: 1 });
    const refused = hasty.prepare(fixture('handler.wasm'), options);
    await expect(refused).rejects.toMatchObject({
      code: 'component_rejected',
      message: expect.stringContaining('1 ms'),
    });
    await hasty.close();
  });

  test('an upload that takes too much memory is refused', async () => {
    const poor = createPreparer({ memoryMb: 8 });
    await expect(poor.prepare(fixture('host.wasm'), options)).rejects.toMatchObject({ code: 'component_rejected' });
    await poor.close();
  });

  test('an upload beyond the queue gets prepare_busy, and so do all others when the preparer closes', async () => {
    const small = createPreparer({ queue: 1 });
    const uploads = Array.from({ length: 4 }, () => small.prepare(fixture('handler.wasm'), options));
    const settled = Promise.allSettled(uploads);
    await expect(uploads[3]).rejects.toMatchObject({ code: 'prepare_busy' });
    await small.close();
    for (const outcome of await settled) {
      expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'prepare_busy' } });
    }
  });
});
