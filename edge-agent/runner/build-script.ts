/**
 * Builds the runner's script. Platform `neutral`, so that preview2-shim's web build is taken: the one for Node grants
 * the host's files, network and environment, and starts a thread of its own.
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const entry = fileURLToPath(new URL('./host/main.ts', import.meta.url));
/** Beside the project's other caches: writable only for who can change the sources as well. */
const cache = fileURLToPath(new URL('../node_modules/.cache/skerry/', import.meta.url));

async function buildScript(): Promise<Uint8Array> {
  const { outputFiles } = await build({
    entryPoints: [entry],
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'neutral',
    target: 'node26',
    external: ['node:*'],
    legalComments: 'none',
  });
  const [script] = outputFiles;
  if (!script) throw new Error('esbuild wrote no script');
  return script.contents;
}

/** Builds to a file whose name depends on its content. @returns its path */
export async function buildToCache(): Promise<string> {
  const script = await buildScript();
  const path = join(cache, `runner-${createHash('sha256').update(script).digest('hex').slice(0, 16)}.mjs`);
  if (!existsSync(path)) await writeWhole(path, script);
  return path;
}

/** Builds to this path, for a release. @returns the path */
export async function buildTo(path: string): Promise<string> {
  await writeWhole(path, await buildScript());
  return path;
}

/** Never leaves half a file under the name, also when two agents start at once. */
async function writeWhole(path: string, bytes: Uint8Array): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const partial = `${path}.${process.pid}.partial`;
  await writeFile(partial, bytes);
  await rename(partial, path);
}
