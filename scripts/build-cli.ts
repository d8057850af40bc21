/**
 * Bundles the command line. `node scripts/build-cli.ts [--out DIR]` writes it into cli/dist: skerry.mjs, a file for each
 * command that is loaded when it is used, and starling.mjs for the process that packages HTTP functions. The compilers
 * stay in node_modules, the templates in cli/templates, so the folder stays in the clone.
 */
import { rm } from 'node:fs/promises';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';

const cli = fileURLToPath(new URL('../cli', import.meta.url));

const { values } = parseArgs({ options: { out: { type: 'string' } } });
const outdir = resolve(values.out ?? `${cli}/dist`);
await rm(outdir, { recursive: true, force: true });
await build({
  entryPoints: { skerry: `${cli}/main.ts`, starling: `${cli}/build/starling.ts` },
  outdir,
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node26',
  outExtension: { '.js': '.mjs' },
  legalComments: 'none',
  logLevel: 'error',
  external: ['esbuild', 'componentize-qjs', '@bytecodealliance/*'],
});
console.log(`${outdir}/skerry.mjs`);
