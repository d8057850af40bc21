/** Finds the project in a directory. The name of one file in it determines the language and the world. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { CliFailure } from '../terminal/failure.ts';

export type Language = 'js' | 'ts' | 'rust' | 'c';
/** `command` reads its input from standard input; `funless` has FunLess's own ABI. */
type ProjectWorld = 'handler' | 'http' | 'command' | 'funless';

export type Project = {
  readonly directory: string;
  readonly language: Language;
  readonly world: ProjectWorld;
  /** Absolute path of the file that determines both. */
  readonly entry: string;
};

const entries: Readonly<Record<string, Pick<Project, 'language' | 'world'>>> = {
  'handler.js': { language: 'js', world: 'handler' },
  'http.js': { language: 'js', world: 'http' },
  'handler.ts': { language: 'ts', world: 'handler' },
  'http.ts': { language: 'ts', world: 'http' },
  'src/handler.rs': { language: 'rust', world: 'handler' },
  'src/http.rs': { language: 'rust', world: 'http' },
  'src/main.rs': { language: 'rust', world: 'command' },
  'handler.c': { language: 'c', world: 'handler' },
  'http.c': { language: 'c', world: 'http' },
  'command.c': { language: 'c', world: 'command' },
  'funless.c': { language: 'c', world: 'funless' },
};

/** @throws CliFailure when the directory has none of the names, or several */
export async function findProject(directory: string): Promise<Project> {
  const names = await readdir(directory).catch((cause: Error) => {
    throw new CliFailure('usage', `cannot read ${directory}: ${cause.message}`, { cause });
  });
  const inSource = names.includes('src') ? await readdir(join(directory, 'src')).catch(() => []) : [];
  const present = new Set([...names, ...inSource.map((name) => `src/${name}`)]);
  const found = Object.keys(entries).filter((name) => present.has(name));
  const [name] = found;
  const project = name === undefined ? undefined : entries[name];
  if (name !== undefined && project && found.length === 1) {
    return { directory, ...project, entry: join(directory, name) };
  }
  const why =
    found.length === 0
      ? `it has none of ${Object.keys(entries).join(', ')}; skerry fn new writes a project`
      : `it has ${found.join(' and ')}; one directory holds one function`;
  throw new CliFailure('usage', `cannot tell what to build in ${directory}: ${why}`);
}
