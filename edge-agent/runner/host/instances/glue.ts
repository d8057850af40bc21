/**
 * Makes a function from jco's glue. Glue is an ES module, and a thread can never unload a module. So the glue is
 * compiled as a script: for this glue, the two differ only in the word `export` and in `import.meta`.
 */
import { Script } from 'node:vm';

/** The exports of a component in jco's glue: functions, and interfaces with functions in them. */
type ComponentExports = Record<string, unknown>;

/** jco's `instantiate`. It is synchronous when its arguments are, and no import suspends. */
export type Instantiate = (
  getCoreModule: (name: string) => WebAssembly.Module,
  imports: Record<string, unknown>,
  instantiateCore: (module: WebAssembly.Module, imports?: object) => WebAssembly.Instance,
) => ComponentExports | Promise<ComponentExports>;

/** @throws SyntaxError when the text is not jco's glue */
export function compileGlue(glue: string, name: string): Instantiate {
  const script = new Script(`(() => { 'use strict';\n${glueBody(glue)}\nreturn instantiate; })()`, {
    filename: `${name}.js`,
  });
  return script.runInThisContext();
}

/** The glue as the body of a function that defines `instantiate`. */
export function glueBody(glue: string): string {
  return glue
    .replaceAll(/^ *export (?=function instantiate\(|const _util\b)/gm, '')
    .replaceAll('import.meta.url', 'undefined');
}
