/**
 * `node starling.ts SOURCE.js WORLD.wit OUTPUT.wasm`: puts a module that listens for `fetch` into StarlingMonkey.
 *
 * The engine's packager imports preview2-shim without naming it among its dependencies, so it gets jco's. It gets
 * source and WIT as text, because the shim opens no directory by itself. This process ends with the work.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { registerHooks } from 'node:module';

const [source, wit, output] = process.argv.slice(2) as [string, string, string];
const jco = import.meta.resolve('@bytecodealliance/jco');
registerHooks({
  resolve: (specifier, context, next) =>
    next(specifier, specifier.startsWith('@bytecodealliance/preview2-shim') ? { ...context, parentURL: jco } : context),
});

const { componentize } = await import('@bytecodealliance/componentize-js');
// The type demands a path, too. Source that is text has none.
const options = { worldName: 'http' } as Parameters<typeof componentize>[2];
const { component } = await componentize(readFileSync(source, 'utf8'), readFileSync(wit, 'utf8'), options);
writeFileSync(output, component);
