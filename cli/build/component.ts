/** Makes a component of a compiled core module. */
import { readFile } from 'node:fs/promises';
import { handlerWitPath, httpWit } from './wit.ts';

/**
 * Writes the world into the module and wraps it. Calls of WASI preview 1 go through jco's adapter, which leaves no
 * trace in a module without such calls.
 * @throws Error when the module lacks an export of the world
 */
export async function toComponent(binary: Uint8Array, world: 'handler' | 'http'): Promise<Uint8Array> {
  const { componentEmbed, componentNew, preview1AdapterReactorPath } = await import('@bytecodealliance/jco');
  const witSource = world === 'handler' ? await readFile(handlerWitPath, 'utf8') : await httpWit('0.2.12');
  const embedded = await componentEmbed({ binary, witSource, world });
  return componentNew(embedded, [['wasi_snapshot_preview1', await readFile(preview1AdapterReactorPath())]]);
}
