/** From a compiled core module to a component. */
import { readFile } from 'node:fs/promises';
import { handlerWitPath, httpWit } from './wit.ts';

/**
 * Writes the world into the module and wraps it. What it calls of WASI preview 1 goes through jco's adapter, which
 * leaves no trace when nothing does.
 * @throws Error when the module does not export what the world wants
 */
export async function toComponent(binary: Uint8Array, world: 'handler' | 'http'): Promise<Uint8Array> {
  const { componentEmbed, componentNew, preview1AdapterReactorPath } = await import('@bytecodealliance/jco');
  const witSource = world === 'handler' ? await readFile(handlerWitPath, 'utf8') : await httpWit('0.2.12');
  const embedded = await componentEmbed({ binary, witSource, world });
  return componentNew(embedded, [['wasi_snapshot_preview1', await readFile(preview1AdapterReactorPath())]]);
}
