/**
 * A component becomes glue and core modules. Instantiation mode, so that the agent gives everything: modules from its
 * cache, imports from its host. Options that drop checks (import bindings other than `js`, valid lifting optimisation)
 * are never used for uploads.
 */
import { generate } from '@bytecodealliance/jco/component';
import type { Bundle } from '@skerry/shared/bundle.ts';
import { suspendingImports } from '@skerry/shared/wit/provided.ts';
import { rejected, toolMessage } from './refusal.ts';
import type { Fit } from './world.ts';

/** jco's names of the exports that may wait, by world. */
const suspendingExports = {
  'skerry:function/handler': 'invoke',
  'wasi:http/incoming-handler': 'wasi:http/incoming-handler#handle',
  'wasi:cli/run': 'wasi:cli/run#run',
} as const;

/** @throws SkerryError `component_rejected` when jco does not take it */
export async function transpile(
  component: Uint8Array,
  { world, imports }: Fit,
): Promise<Pick<Bundle, 'mode' | 'glue' | 'modules'>> {
  const suspending = suspendingImports(imports);
  const suspends = suspending.length > 0;
  const { files } = await generate(component, {
    name: 'component',
    instantiation: { tag: 'async' },
    importBindings: { tag: 'js' },
    map: [],
    noTypescript: true,
    noNodejsCompat: true,
    base64Cutoff: 0,
    ...(suspends && {
      asyncMode: { tag: 'jspi', val: { imports: [...suspending], exports: [suspendingExports[world]] } },
    }),
  }).catch((error: unknown) => {
    throw rejected(`it cannot be translated: ${toolMessage(error)}`, error);
  });
  const glue = files.find(([name]) => name === 'component.js')?.[1];
  if (!glue) throw new Error('jco wrote no glue');
  return {
    mode: suspends ? 'suspending' : 'plain',
    glue: Buffer.from(glue).toString(),
    modules: files.filter(([name]) => name.endsWith('.wasm')).map(([name, bytes]) => ({ name, bytes })),
  };
}
