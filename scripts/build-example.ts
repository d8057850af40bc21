/**
 * Builds a JavaScript handler to a component: `node scripts/build-example.ts SOURCE.js OUTPUT.wasm`.
 *
 * The engine is QuickJS, in its variant without the asynchronous ABI and with WASI stubbed out. So the component imports
 * nothing, its instances are cheap, and it can only compute.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { componentize } from 'componentize-qjs';

const [source, output] = process.argv.slice(2);
if (!source || !output) {
  console.error('usage: node scripts/build-example.ts SOURCE.js OUTPUT.wasm');
  process.exit(2);
}

const start = performance.now();
const { component } = await componentize({
  witPath: fileURLToPath(new URL('../shared/wit/handler.wit', import.meta.url)),
  world: 'handler',
  jsSource: await readFile(source, 'utf8'),
  sync: true,
  stubWasi: true,
  optSize: true,
});
await mkdir(dirname(output), { recursive: true });
await writeFile(output, component);
const kilobytes = Math.round(component.byteLength / 1024);
console.log(`${output}: ${kilobytes} KiB in ${Math.round(performance.now() - start)} ms`);
