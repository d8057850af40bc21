/**
 * Makes a function out of the glue that jco wrote. Glue is an ES module, and a thread can never unload a module, so it
 * is compiled as a script instead: the two differ, for this glue, in the word `export` and in `import.meta`.
 */
import { Script } from 'node:vm';

/** What jco's glue gives for the exports of a component: functions, and interfaces with functions in them. */
export type ComponentExports = Record<string, unknown>;

/** jco's `instantiate`; synchronous when what it is given is, and nothing suspends. */
export type Instantiate = (
  getCoreModule: (name: string) => WebAssembly.Module,
  imports: Record<string, unknown>,
  instantiateCore: (module: WebAssembly.Module, imports?: object) => WebAssembly.Instance,
) => ComponentExports | Promise<ComponentExports>;

/** @throws SyntaxError when the glue is not what jco writes */
export function compileGlue(glue: string, name: string): Instantiate {
  const script = new Script(`(() => { 'use strict';\n${glueBody(glue)}\nreturn instantiate; })()`, {
    filename: `${name}.js`,
  });
  return script.runInThisContext();
}

/** The glue as the body of a function, in which `instantiate` is defined. */
export function glueBody(glue: string): string {
  return glue
    .replaceAll(/^ *export (?=function instantiate\(|const _util\b)/gm, '')
    .replaceAll('import.meta.url', 'undefined');
}
