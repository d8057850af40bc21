/**
 * Builds the runner's script and prints where it is. `node edge-agent/build.ts` writes edge-agent/dist/runner.mjs, for
 * a release; with `--cache` it goes to the project's cache under a name that depends on its content.
 */
import { fileURLToPath } from 'node:url';
import { buildTo, buildToCache } from './runner/build-script.ts';

const dist = fileURLToPath(new URL('./dist/runner.mjs', import.meta.url));

console.log(process.argv.includes('--cache') ? await buildToCache() : await buildTo(dist));
