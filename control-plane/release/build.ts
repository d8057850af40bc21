/**
 * Bundles the control plane. `node control-plane/release/build.ts [--out DIR]` writes it into control-plane/dist:
 * control-plane.mjs, prepare.mjs for the process that prepares an upload, files that these share, and the migrations.
 * Libraries that load files of their own stay in node_modules.
 *
 * `--cache` makes the build that main.ts runs from the sources (current-build.ts), and prints the path of its script.
 *
 * The code keeps its lines and the names of its source files, so that a stack trace can be read without a source map:
 * a map would take 15 MB of memory and be read at every start.
 */
import { createHash } from 'node:crypto';
import { cp, mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';
import { type CurrentBuild, cache, currentFile, type Input, readInput, userPrefix } from './current-build.ts';

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const root = here('../../');
const entryName = 'control-plane.mjs';
const migrations = here('../db/migrations');

/** Decide what a build is made of, besides the files that go into it. */
const furtherInputs = ['./build.ts', './current-build.ts', '../../node_modules/.package-lock.json'].map(here);

type Build = { readonly files: ReadonlyMap<string, Uint8Array>; readonly inputs: readonly string[] };

async function bundle(): Promise<Build> {
  const { outputFiles, metafile } = await build({
    entryPoints: { 'control-plane': here('../run.ts'), prepare: here('../prepare/child.ts') },
    absWorkingDir: root,
    outdir: '/',
    write: false,
    metafile: true,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node26',
    outExtension: { '.js': '.mjs' },
    legalComments: 'none',
    logLevel: 'error',
    // Libraries with WebAssembly and other files beside their code, and addons that others load when they are there.
    external: [
      '@electric-sql/pglite',
      '@bytecodealliance/*',
      'msgpackr-extract',
      'pg-native',
      'bufferutil',
      'utf-8-validate',
    ],
    // Some dependencies are CommonJS and require Node's modules.
    banner: {
      js: "import { createRequire as createBundleRequire } from 'node:module';\nconst require = createBundleRequire(import.meta.url);",
    },
  });
  return {
    files: new Map(outputFiles.map(({ path, contents }) => [path.replace(/^.*[\\/]/, ''), contents])),
    inputs: [...Object.keys(metafile.inputs).map((path) => resolve(root, path)), ...furtherInputs],
  };
}

async function writeBuild(folder: string, { files }: Build): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const [name, contents] of files) await writeFile(join(folder, name), contents);
  await cp(migrations, join(folder, 'migrations'), { recursive: true });
}

/** A build whose inputs did not change while it was made, unless they change all the time. */
async function bundleSettled(): Promise<Build & { readonly state: readonly Input[] | undefined }> {
  for (let attempt = 1; ; attempt++) {
    const start = Date.now();
    const made = await bundle();
    const files = (await readdir(migrations, { recursive: true })).map((name) => join(migrations, name));
    const state = [...made.inputs, ...files].flatMap((path) => {
      const input = readInput(path);
      // The clock of file systems is coarse.
      return input && Math.max(input[2], input[3]) < start - coarseMs ? [input] : [];
    });
    if (state.length === made.inputs.length + files.length) return { ...made, state };
    if (attempt === 2) return { ...made, state: undefined };
  }
}

const coarseMs = 20;

/** @returns the path of the script */
async function writeToCache(): Promise<string> {
  const made = await bundleSettled();
  const hash = createHash('sha256');
  for (const [name, contents] of made.files) hash.update(`${name}\0`).update(contents);
  for (const input of made.state ?? []) if (input[0].startsWith(migrations)) hash.update(JSON.stringify(input));
  const folder = join(cache, `build-${hash.digest('hex').slice(0, 16)}`);
  const draft = `${folder}.${process.pid}.draft`;
  await writeBuild(draft, made);
  // The same content is there already when two processes build at the same time.
  await rename(draft, folder).catch(() => rm(draft, { recursive: true }));
  const entry = join(folder, entryName);
  if (made.state) {
    const current: CurrentBuild = { entry, inputs: made.state };
    await writeFile(`${currentFile}.${process.pid}`, JSON.stringify(current));
    await rename(`${currentFile}.${process.pid}`, currentFile);
  }
  await removeUnused(folder);
  return entry;
}

/** Removes the builds that no process uses. */
async function removeUnused(newest: string): Promise<void> {
  for (const name of await readdir(cache)) {
    const folder = join(cache, name);
    if (!/^build-[0-9a-f]+$/.test(name) || folder === newest) continue;
    const users = (await readdir(folder)).filter((file) => file.startsWith(userPrefix));
    if (users.some((file) => isRunning(Number(file.slice(userPrefix.length))))) continue;
    await rm(folder, { recursive: true, force: true });
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

const { values } = parseArgs({ options: { out: { type: 'string' }, cache: { type: 'boolean' } } });
if (values.cache) {
  console.log(await writeToCache());
} else {
  const out = values.out ? resolve(values.out) : here('../dist');
  await rm(out, { recursive: true, force: true });
  await writeBuild(out, await bundle());
  console.log(join(out, entryName));
}
