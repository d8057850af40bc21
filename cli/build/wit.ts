/** The WIT of builds: Skerry's own, and WASI's from jco. */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

/** Path of shared/wit/handler.wit. */
export const handlerWitPath: string = fileURLToPath(import.meta.resolve('@skerry/shared/wit/handler.wit'));

/** The interfaces that a device provides to compiled code. A component keeps those that its program calls. */
const importable = [
  'io/error',
  'io/poll',
  'io/streams',
  'clocks/monotonic-clock',
  'clocks/wall-clock',
  'random/random',
  'random/insecure',
  'random/insecure-seed',
  'cli/environment',
  'cli/exit',
  'cli/stdin',
  'cli/stdout',
  'cli/stderr',
  'filesystem/types',
  'filesystem/preopens',
] as const;

const packages = ['io', 'clocks', 'random', 'cli', 'filesystem', 'sockets', 'http'];

/**
 * A world named `http`, which imports the interfaces that a device provides. WASI's packages are nested in the same
 * text, so that they find each other. Their worlds are left out: a build includes none, and they name more than it needs.
 * @param version `0.2.12` for compiled code. The StarlingMonkey engine is built on `0.2.10`, brings its own imports
 *   besides those of HTTP, and would keep every import that is named here
 */
export async function httpWit(version: '0.2.10' | '0.2.12'): Promise<string> {
  const builtin = new URL('../lib/wit/builtin/', import.meta.resolve('@bytecodealliance/jco'));
  const texts = await Promise.all(packages.map((name) => readPackage(builtin, name, version)));
  const imports = ['http/types', 'http/outgoing-handler', ...(version === '0.2.12' ? importable : [])];
  const items = [...imports.map((name) => `import wasi:${name}`), 'export wasi:http/incoming-handler'];
  const world = `world http { ${items.map((item) => `${item}@${version};`).join(' ')} }`;
  return `package skerry:build;\n${world}\n${texts.join('\n')}`;
}

/** jco has both versions of the packages that differ between them. For the others, the newer text serves. */
async function readPackage(builtin: URL, name: string, version: string): Promise<string> {
  const read = (of: string) => readFile(new URL(`${of}/wasi-${name}/package.wit`, builtin), 'utf8');
  const text = await read(version).catch(() => read('0.2.12'));
  return text
    .replace(/^package ([^;]+);([\s\S]*)$/m, 'package $1 {$2}')
    .replaceAll(/^world \S+ \{[^}]*\}\n?/gm, '')
    .replaceAll('@0.2.12', `@${version}`);
}
