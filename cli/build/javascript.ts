/** Builds JavaScript and TypeScript: bundles one module without imports, and puts it into an engine. */
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { BuildFailure, Message } from 'esbuild';
import { CliFailure } from '../terminal/failure.ts';
import type { Project } from './project.ts';
import { runTool } from './tool.ts';
import { handlerWitPath, httpWit } from './wit.ts';

/** QuickJS for handlers takes a second and 1.6 MB. StarlingMonkey for HTTP, which has fetch, takes 15 s and 14 MB. */
export async function buildJavaScript(project: Project): Promise<Uint8Array> {
  return project.world === 'http' ? buildHttp(project) : buildHandler(project);
}

/** Takes the engine without the asynchronous ABI and without WASI: it imports nothing, and can only compute. */
async function buildHandler(project: Project): Promise<Uint8Array> {
  const { componentize } = await import('componentize-qjs');
  const jsSource = await handlerSource(project);
  const { component } = await componentize({
    witPath: handlerWitPath,
    world: 'handler',
    jsSource,
    sync: true,
    stubWasi: true,
    optSize: true,
  });
  return component;
}

/** @throws CliFailure when an export of the world is missing: the component would trap at every call */
async function handlerSource({ entry, directory }: Project): Promise<string> {
  const { text, exports } = await bundle({ entryPoints: [entry] }, directory);
  if (exports.includes('invoke')) return text;
  const others = exports.length === 0 ? 'nothing' : exports.join(', ');
  throw new CliFailure(
    'failed',
    `${basename(entry)} must export a function named invoke, which takes and returns JSON text; it exports ${others}`,
  );
}

/** Beside this code as `.mjs` in a build of the command line. */
const [starling = ''] = ['./starling.mjs', './starling.ts']
  .map((name) => fileURLToPath(new URL(name, import.meta.url)))
  .filter((path) => existsSync(path));

/** The engine runs in a process of its own: it takes 800 MB, and needs a shim of its own. */
async function buildHttp({ entry, directory }: Project): Promise<Uint8Array> {
  const scratch = await mkdtemp(join(tmpdir(), 'skerry-build-'));
  try {
    const [source, wit, output] = ['app.js', 'http.wit', 'component.wasm'].map((name) => join(scratch, name)) as [
      string,
      string,
      string,
    ];
    const { text } = await bundle({ stdin: { contents: fetchEntry(entry), resolveDir: directory } }, directory);
    await writeFile(source, text);
    await writeFile(wit, await httpWit('0.2.10'));
    await runTool(process.execPath, [starling, source, wit, output], { cwd: scratch, hint: '' });
    return await readFile(output);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** A module may listen for `fetch` itself, or export the handler as its default. */
function fetchEntry(entry: string): string {
  return `import * as module from ${JSON.stringify(entry)};
const handler = module.default;
if (handler?.fetch) addEventListener('fetch', (event) => event.respondWith(handler.fetch(event.request)));
`;
}

type Bundled = { readonly text: string; readonly exports: readonly string[] };

/**
 * Bundles the source and all its imports to one module without types.
 * @param directory base of the file names in messages
 * @throws CliFailure with file, line and column of the fault
 */
async function bundle(
  input: { entryPoints: string[] } | { stdin: { contents: string; resolveDir: string } },
  directory: string,
): Promise<Bundled> {
  const { build } = await import('esbuild');
  const { outputFiles, metafile } = await build({
    ...input,
    absWorkingDir: directory,
    bundle: true,
    metafile: true,
    write: false,
    format: 'esm',
    platform: 'neutral',
    mainFields: ['module', 'main'],
    target: 'es2022',
    logLevel: 'silent',
  }).catch((cause: BuildFailure) => {
    throw new CliFailure('failed', (cause.errors ?? []).map(describe).join('\n') || cause.message, { cause });
  });
  const [output] = Object.values(metafile.outputs);
  return { text: outputFiles[0]?.text ?? '', exports: output?.exports ?? [] };
}

function describe({ location, text }: Message): string {
  return location ? `${location.file}:${location.line}:${location.column + 1}: ${text}` : text;
}
