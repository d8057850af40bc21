/**
 * Bundles the agent. `node edge-agent/build.ts [--out DIR]` writes agent.mjs, runner.mjs and outbox.mjs into
 * edge-agent/dist, and prints their paths. Besides Node, a device needs only these files. They start faster and take
 * less memory than the sources.
 *
 * `--cache` builds only the runner, for an agent that runs from its sources. It writes the runner into the project's
 * cache under a name that depends on the content, and prints the path.
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type BuildOptions, build } from 'esbuild';

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
/** Beside the project's other caches. Only users who can change the sources can write there. */
const cache = here('./node_modules/.cache/skerry/');

/**
 * Platform `neutral` selects preview2-shim's web build. The build for Node grants the host's files, network and
 * environment, and starts a thread of its own.
 */
const runner: BuildOptions = {
  entryPoints: [here('./runner/host/main.ts')],
  platform: 'neutral',
  external: ['node:*'],
};

/** Some dependencies are CommonJS and require Node's modules. ws loads native addons when they are installed. */
const agent: BuildOptions = {
  entryPoints: [here('./main.ts')],
  platform: 'node',
  external: ['bufferutil', 'utf-8-validate'],
  banner: { js: "import { createRequire } from 'node:module';\nconst require = createRequire(import.meta.url);" },
};

/** The thread that owns the outbox's file. It has a script of its own, so that it loads only what it needs. */
const outbox: BuildOptions = { entryPoints: [here('./outbox/thread/thread.ts')], platform: 'node' };

async function bundle(options: BuildOptions): Promise<Uint8Array> {
  const { outputFiles } = await build({
    ...options,
    bundle: true,
    write: false,
    format: 'esm',
    target: 'node26',
    legalComments: 'none',
    // V8 keeps the source in memory, with two bytes per character when one character is not ASCII.
    minifyWhitespace: true,
  });
  const [file] = outputFiles ?? [];
  if (!file) throw new Error('esbuild wrote no file');
  return file.contents;
}

/** Writes a file at once: its name never has half a file, even when two agents start at the same time. */
async function writeWhole(path: string, bytes: Uint8Array): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const partial = `${path}.${process.pid}.partial`;
  await writeFile(partial, bytes);
  await rename(partial, path);
}

const { values } = parseArgs({ options: { out: { type: 'string' }, cache: { type: 'boolean' } } });
if (values.cache) {
  const script = await bundle(runner);
  const path = join(cache, `runner-${createHash('sha256').update(script).digest('hex').slice(0, 16)}.mjs`);
  if (!existsSync(path)) await writeWhole(path, script);
  console.log(path);
} else {
  const out = values.out ? resolve(values.out) : here('./dist');
  for (const [name, options] of Object.entries({ agent, runner, outbox })) {
    const path = join(out, `${name}.mjs`);
    await writeWhole(path, await bundle(options));
    console.log(path);
  }
}
