/**
 * Fits functions with FunLess's own ABI: core modules that export `__invoke` and import `fl_imps` and WASI preview1.
 * Agents run them without glue and provide the imports themselves.
 */
import type { Bundle } from '@skerry/shared/function/bundle.ts';
import type { CoreModule } from './wasm/core-module.ts';
import { listNames, readToolMessage, rejected } from './wasm/refusal.ts';

const flModule = 'fl_imps';
const preview1 = 'wasi_snapshot_preview1';
const invokeExport = '__invoke';
const flFunctions = new Set([
  '__get_input_data',
  '__insert_response',
  '__insert_error',
  '__console_log',
  '__http_request',
]);

/** True for a module that was made for FunLess, whether it can run or not. */
export function isFunless({ imports, exports }: CoreModule): boolean {
  return exports.includes(invokeExport) || imports.some(({ module }) => module === flModule);
}

/**
 * @param preview1Functions names of the functions of WASI preview1
 * @returns the fields of its bundle, and its imports as `module.name` in alphabetical order
 * @throws SkerryError `component_rejected`
 */
export function fitFunless(
  bytes: Uint8Array,
  preview1Functions: ReadonlySet<string>,
): Pick<Bundle, 'world' | 'exportName' | 'mode' | 'glue' | 'modules'> & { imports: string[] } {
  const module = compile(bytes);
  const imports = WebAssembly.Module.imports(module);
  const missing = imports.filter(({ module: from, name, kind }) => {
    const provided = from === flModule ? flFunctions : from === preview1 ? preview1Functions : new Set();
    return kind !== 'function' || !provided.has(name);
  });
  if (missing.length > 0) {
    throw rejected(`imports that no host here provides: ${listNames(missing.map(toName))}`);
  }
  const exports = WebAssembly.Module.exports(module);
  const has = (name: string, kind: string) => exports.some((item) => item.name === name && item.kind === kind);
  if (!has(invokeExport, 'function')) throw rejected(`made for FunLess (fl_imps), but without ${invokeExport}`);
  if (!has('memory', 'memory')) throw rejected('a FunLess function that does not export its memory');
  return {
    world: 'funless',
    exportName: invokeExport,
    mode: 'suspending',
    glue: '',
    modules: [{ name: 'module.wasm', bytes }],
    imports: imports.map(toName).toSorted(),
  };
}

const toName = ({ module, name }: { module: string; name: string }): string => `${module}.${name}`;

function compile(bytes: Uint8Array): WebAssembly.Module {
  try {
    return new WebAssembly.Module(Uint8Array.from(bytes));
  } catch (error) {
    throw rejected(`the module does not compile: ${readToolMessage(error)}`, error);
  }
}
