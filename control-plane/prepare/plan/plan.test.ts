import { readFileSync } from 'node:fs';
import { parse } from '@bytecodealliance/jco-transpile/wasm-tools';
import { describe, expect, test } from 'vitest';
import { readSections } from '../wasm/binary.ts';
import { readFlatComponent } from './flat-component.ts';
import { planDirect } from './plan.ts';

/** Plans a component whose core modules are named by their order. */
function plan(component: Uint8Array) {
  const modules = readSections(component).filter(({ id }) => id === 1);
  return planWith(
    component,
    modules.map(({ content }, index) => ({ name: `m${index}`, bytes: content })),
  );
}

function planWith(component: Uint8Array, modules: { name: string; bytes: Uint8Array }[]) {
  const flat = readFlatComponent(component, modules, []);
  return flat && planDirect(flat);
}

const core = `(memory (export "memory") 1)
  (func (export "realloc") (param i32 i32 i32 i32) (result i32) i32.const 8)
  (func (export "invoke") (param i32 i32) (result i32) i32.const 16)
  (func (export "after") (param i32))`;
const type = '(param "input" string) (result (result string (error string)))';

function component({ before = '', options = '', exports = '(export "invoke" (func $f))', ...parts } = {}) {
  const { instance = '(core instance $i (instantiate $m))' } = parts as { instance?: string };
  return parse(`(component ${before} (core module $m ${core}) ${instance}
    (func $f ${type} (canon lift (core func $i "invoke") (memory (core memory $i "memory")) (realloc (core func $i "realloc")) ${options}))
    ${exports})`);
}

const at = (name: string, instance = 0) => ({ instance, name });

describe('qualifies', () => {
  test('one core module', async () => {
    expect(plan(await component())).toEqual({
      instances: [{ module: 'm0', imports: [] }],
      invoke: at('invoke'),
      memory: at('memory'),
      realloc: at('realloc'),
    });
    const cleaning = await component({ options: 'string-encoding=utf8 (post-return (core func $i "after"))' });
    expect(plan(cleaning)?.postReturn).toEqual(at('after'));
  });

  test('several core modules, connected by instances and by groups of exports', async () => {
    const wired = await component({
      before: `(core module $a (func (export "__proto__") (result i32) i32.const 1) (global (export "g") i32 (i32.const 2)))
        (core module $b (import "x" "p" (func (result i32))) (import "__proto__" "g" (global i32)))
        (core instance $ia (instantiate $a))
        (alias core export $ia "__proto__" (core func $p))
        (core instance $ib (instantiate $b (with "x" (instance (export "p" (func $p)))) (with "__proto__" (instance $ia))))`,
    });
    expect(plan(wired)?.instances).toEqual([
      { module: 'm0', imports: [] },
      {
        module: 'm1',
        imports: [
          { module: 'x', name: 'p', from: at('__proto__') },
          { module: '__proto__', name: 'g', from: at('g') },
        ],
      },
      { module: 'm2', imports: [] },
    ]);
    expect(plan(wired)?.invoke).toEqual(at('invoke', 2));
  });

  test('further exports', async () => {
    const both = await component({ exports: '(export "other" (func $f)) (export "invoke" (func $f))' });
    expect(plan(both)?.invoke).toEqual(at('invoke'));
  });

  test('the output of a C toolchain', () => {
    const handler = readFileSync(new URL('../../../test/fixtures/handler.wasm', import.meta.url));
    expect(plan(handler)).toMatchObject({
      instances: [{ module: 'm0' }, { module: 'm1', imports: [{ from: at('_initialize') }] }],
      postReturn: at('cabi_post_invoke'),
    });
  });
});

describe('needs the glue', () => {
  test.each([
    ['another string encoding', { options: 'string-encoding=utf16' }],
    [
      'an import in use',
      {
        before: '(import "a:b/c" (instance $x (export "f" (func)))) (core func (canon lower (func $x "f")))',
      },
    ],
    ['a nested component', { before: '(component (core module))' }],
    ['another name of the export', { exports: '(export "other" (func $f))' }],
    ['a canonical built-in', { before: '(type $r (resource (rep i32))) (core func (canon resource.drop $r))' }],
  ])('%s', async (_, parts) => {
    expect(plan(await component(parts))).toBeUndefined();
  });

  test('more instances than a plan can have', async () => {
    const withOthers = (count: number) =>
      component({ before: `(core module $x) ${'(core instance (instantiate $x))'.repeat(count)}` });
    expect(plan(await withOthers(63))?.instances).toHaveLength(64);
    expect(plan(await withOthers(64))).toBeUndefined();
  });

  test('core modules that differ from the translated ones', async () => {
    expect(planWith(await component(), [{ name: 'm0', bytes: new Uint8Array(8) }])).toBeUndefined();
  });

  test('a file that ends too early', async () => {
    const whole = await component();
    const named = readSections(whole)
      .filter(({ id }) => id === 1)
      .map(({ content }) => ({ name: 'm0', bytes: content }));
    expect(planWith(whole, named)).toBeDefined();
    for (let end = 8; end < whole.byteLength / 2; end++) {
      expect(planWith(whole.subarray(0, end), named)).toBeUndefined();
    }
  });
});
