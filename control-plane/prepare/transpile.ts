/**
 * Transpiles a component to glue and core modules. It uses instantiation mode, in which the agent provides everything:
 * modules from its cache, and imports from its host. It never uses options that drop checks (import bindings other than
 * `js`, valid lifting optimisation).
 */
import { generate } from '@bytecodealliance/jco/component';
import { type Bundle, isAsync } from '@skerry/shared/function/bundle.ts';
import { suspendingImports } from '@skerry/shared/wit/provided.ts';
import { hostName03, isWasi03 } from '@skerry/shared/wit/provided-03.ts';
import { hasStackfulLift } from './wasm/lifts.ts';
import { readToolMessage, rejected } from './wasm/refusal.ts';
import type { ComponentWorld, Fit } from './world.ts';

/** jco's names of the exports that may wait, by world. Exports with an asynchronous type are not listed. */
const suspendingExports: Partial<Record<ComponentWorld, string>> = {
  'skerry:function/handler': 'invoke',
  'wasi:http/incoming-handler': 'wasi:http/incoming-handler#handle',
  'wasi:cli/run': 'wasi:cli/run#run',
};

/** @throws SkerryError `component_rejected` when jco refuses the component */
export async function transpile(
  component: Uint8Array,
  { world, imports }: Fit,
): Promise<Pick<Bundle, 'mode' | 'glue' | 'modules'>> {
  const suspending = suspendingImports(imports);
  const suspends = suspending.length > 0 || isAsync(world);
  const suspendingExport = suspendingExports[world];
  const { files } = await generate(component, {
    name: 'component',
    instantiation: { tag: 'async' },
    importBindings: { tag: 'js' },
    map: imports.filter(isWasi03).map((name) => [name, hostName03(name)]),
    noTypescript: true,
    noNodejsCompat: true,
    base64Cutoff: 0,
    ...(suspends && {
      asyncMode: {
        tag: 'jspi',
        val: { imports: [...suspending], exports: suspendingExport ? [suspendingExport] : [] },
      },
    }),
  }).catch((error: unknown) => {
    throw rejected(`it cannot be translated: ${readToolMessage(error)}`, error);
  });
  if (isAsync(world)) refuseStackful(component);
  const glue = files.find(([name]) => name === 'component.js')?.[1];
  if (!glue) throw new Error('jco wrote no glue');
  return {
    mode: suspends ? 'suspending' : 'plain',
    glue: Buffer.from(glue).toString(),
    modules: files.filter(([name]) => name.endsWith('.wasm')).map(([name, bytes]) => ({ name, bytes })),
  };
}

/** Refuses stackful functions: jco's glue runs them, but does not take their result (docs/decisions/0010). */
function refuseStackful(component: Uint8Array): void {
  if (!hasStackfulLift(component)) return;
  throw rejected(
    'a function in it is lifted as async without a callback (stackful), which is not supported; build it with one, or lifted synchronously',
  );
}
