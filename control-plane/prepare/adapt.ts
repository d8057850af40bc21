/**
 * Turns a preview1 command module into a component that exports wasi:cli/run, with the adapter that comes with jco.
 * Refuses any other core module, and names the host it was made for if that host is known.
 */
import { readFile } from 'node:fs/promises';
import { componentNew } from '@bytecodealliance/jco-transpile/wasm-tools';
import { type CoreModule, readCoreModule } from './wasm/core-module.ts';
import { addRealloc } from './wasm/realloc.ts';
import { listNames, readToolMessage, rejected } from './wasm/refusal.ts';

const preview1 = 'wasi_snapshot_preview1';
/** jco exports a function for this path, but in a module that loads a native addon. */
const adapterUrl = new URL('../lib/wasi_snapshot_preview1.command.wasm', import.meta.resolve('@bytecodealliance/jco'));

/** Names of the functions of WASI preview1. */
export async function preview1Functions(): Promise<ReadonlySet<string>> {
  return new Set(readCoreModule(await readFile(adapterUrl)).exports);
}

/** @throws SkerryError `component_rejected` */
export async function adapt(bytes: Uint8Array, module: CoreModule): Promise<Uint8Array> {
  refuseForeign(module, await preview1Functions());
  try {
    return await componentNew(addRealloc(bytes, module), [[preview1, await readFile(adapterUrl)]]);
  } catch (error) {
    throw rejected(`the preview1 module cannot be made a component: ${readToolMessage(error)}`, error);
  }
}

function refuseForeign({ imports, exports, customSections }: CoreModule, provided: ReadonlySet<string>): void {
  if (customSections.some((name) => name.startsWith('component-type'))) {
    throw rejected('a core module made for a component; finish it with `wasm-tools component new` or `jco new`');
  }
  if (imports.some(({ module }) => module === 'wasi_unstable')) {
    throw rejected('made for WASI preview0 (wasi_unstable); build it for wasm32-wasip1 or later');
  }
  if (imports.some(({ name }) => name === 'memory')) {
    throw rejected('it imports its memory; link it without --import-memory, so that it has one and exports it');
  }
  const missing = imports
    .filter(({ module, name }) => module !== preview1 || !provided.has(name))
    .map(({ module, name }) => `${module}.${name}`);
  if (missing.length > 0) {
    throw rejected(
      `imports that no host here provides: ${listNames(missing)}; build it for wasm32-wasip1, or as a component for WASI 0.2`,
    );
  }
  if (!exports.includes('_start')) {
    throw rejected(
      `a core module without _start (it exports ${listNames(exports)}); accepted are preview1 commands, FunLess functions and components`,
    );
  }
  if (!exports.includes('memory'))
    throw rejected('a command that does not export its memory; export it under the name `memory`');
}
