/** JavaScript and TypeScript: one module without imports, and the engine to put it into. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { stripTypeScriptTypes } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CliFailure } from '../failure.ts';
import type { Project } from './project.ts';
import { runTool } from './tool.ts';
import { handlerWitPath, httpWit } from './wit.ts';

/** QuickJS for handlers: a second, 1.6 MB. StarlingMonkey for HTTP, since it brings fetch: 15 s, 14 MB. */
export async function buildJavaScript(project: Project): Promise<Uint8Array> {
  return project.world === 'http' ? buildHttp(project) : buildHandler(project);
}

/** The variant without the asynchronous ABI and without WASI: it imports nothing, and can do nothing but compute. */
async function buildHandler(project: Project): Promise<Uint8Array> {
  const { componentize } = await import('componentize-qjs');
  const jsSource = await sourceOf(project);
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

/** The source as one module; bundled only when it imports something, else just without its types. */
async function sourceOf({ entry, language }: Project): Promise<string> {
  const source = await readFile(entry, 'utf8');
  if (/^\s*(?:import\b|export\b[^;]*\bfrom\b)/m.test(source)) return bundle({ entryPoints: [entry] });
  if (language === 'js') return source;
  try {
    return stripTypeScriptTypes(source);
  } catch (cause) {
    throw new CliFailure('failed', `${entry}: ${(cause as Error).message}`, { cause });
  }
}

const starling = fileURLToPath(new URL('./starling.ts', import.meta.url));

/** The engine runs in a process of its own: it wants 800 MB, and leaves the shim of this one as it is. */
async function buildHttp({ entry, directory }: Project): Promise<Uint8Array> {
  const scratch = await mkdtemp(join(tmpdir(), 'skerry-build-'));
  try {
    const [source, wit, output] = ['app.js', 'http.wit', 'component.wasm'].map((name) => join(scratch, name)) as [
      string,
      string,
      string,
    ];
    await writeFile(source, await bundle({ stdin: { contents: fetchEntry(entry), resolveDir: directory } }));
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

async function bundle(
  input: { entryPoints: string[] } | { stdin: { contents: string; resolveDir: string } },
): Promise<string> {
  const { build } = await import('esbuild');
  const { outputFiles } = await build({
    ...input,
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'neutral',
    mainFields: ['module', 'main'],
    target: 'es2022',
    logLevel: 'silent',
  }).catch((cause: Error) => {
    throw new CliFailure('failed', cause.message, { cause });
  });
  return outputFiles[0]?.text ?? '';
}
