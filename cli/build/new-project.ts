/** Writes the project of a new function: the files of a template, and the files that all projects have. */
import { copyFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CliFailure } from '../terminal/failure.ts';
import type { Language } from './project.ts';
import { handlerWitPath } from './wit.ts';

export const languages = ['js', 'ts', 'rust', 'c'] as const satisfies readonly Language[];
export const newWorlds = ['handler', 'http'] as const;
export type NewWorld = (typeof newWorlds)[number];

type NewProject = {
  readonly name: string;
  readonly language: Language;
  readonly world: NewWorld;
  /** An absolute path. The directory is made when it does not exist. */
  readonly directory: string;
};

const templates = fileURLToPath(new URL('../templates/', import.meta.url));
/** Stands for the function's name in a template. */
const nameMark = '{{name}}';

/** @returns the names of the files written @throws CliFailure when the directory is not empty */
export async function writeProject({ name, language, world, directory }: NewProject): Promise<string[]> {
  await mkdir(directory, { recursive: true });
  if ((await readdir(directory)).length > 0) throw new CliFailure('usage', `${directory} is not empty`);
  const template = join(templates, `${language}-${world}`);
  const entries = await readdir(template, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(template, join(entry.parentPath, entry.name)));
  for (const file of files) {
    const text = await readFile(join(template, file), 'utf8');
    await write(directory, file, text.replaceAll(nameMark, file === 'Cargo.toml' ? packageName(name) : name));
  }
  await write(directory, 'manifest.json', '{\n  "limits": { "timeout_ms": 10000 }\n}\n');
  await write(directory, '.gitignore', `*.wasm\n${language === 'rust' ? 'target/\n' : ''}`);
  await write(directory, 'README.md', readme(name, language, world));
  const common = ['manifest.json', '.gitignore', 'README.md'];
  if (world === 'handler') {
    await mkdir(join(directory, 'wit'));
    await copyFile(handlerWitPath, join(directory, 'wit/handler.wit'));
    common.push('wit/handler.wit');
  }
  return [...files, ...common].sort();
}

/** Cargo refuses a name that begins with a digit. */
function packageName(name: string): string {
  return /^\d/.test(name) ? `f-${name}` : name;
}

async function write(directory: string, file: string, text: string): Promise<void> {
  await mkdir(dirname(join(directory, file)), { recursive: true });
  await writeFile(join(directory, file), text);
}

const sources: Readonly<Record<`${Language}-${NewWorld}`, string>> = {
  'js-handler': 'handler.js',
  'js-http': 'http.js',
  'ts-handler': 'handler.ts',
  'ts-http': 'http.ts',
  'rust-handler': 'src/handler.rs',
  'rust-http': 'src/http.rs',
  'c-handler': 'handler.c',
  'c-http': 'http.c',
};

function readme(name: string, language: Language, world: NewWorld): string {
  const what =
    world === 'http'
      ? 'It answers HTTP requests (`wasi:http/incoming-handler`).'
      : 'It takes JSON and gives JSON (`skerry:function/handler`, see `wit/handler.wit`).';
  const call =
    world === 'http'
      ? `    curl "$SKERRY_SERVER/function/${name}/" -H "Authorization: Bearer $SKERRY_TOKEN"`
      : `    skerry fn invoke ${name} -j '{"name":"Ada"}'`;
  return [
    `# ${name}`,
    '',
    `A function for Skerry. ${what} Write your code in \`${sources[`${language}-${world}`]}\`.`,
    '',
    '    skerry fn build',
    `    skerry fn deploy ${name} ${name}.wasm --manifest manifest.json`,
    call,
    '',
    '`manifest.json` lists what it may do besides computing. A new function may do nothing else.',
    '',
  ].join('\n');
}
