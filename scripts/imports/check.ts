/** Every fault of the TypeScript files below one directory, as lines for a person. */
import { readdir } from 'node:fs/promises';
import { isBuiltin } from 'node:module';
import { join, posix } from 'node:path';
import { findCycles, type Graph } from './cycles.ts';
import { folderCycleFaults, looseFileFaults } from './folders.ts';
import { homes, isPlace } from './homes.ts';
import { type Rooms, readRoom, roomFault, rooms } from './rooms.ts';
import { type Fault, importRules, isTest, nameFault, packageName, sizeFault, type Target } from './rules.ts';
import { type Import, readSourceFile, type SourceFile } from './source-file.ts';

const skippedDirectories = new Set(['node_modules', 'dist', 'coverage']);

/** Every TypeScript file of a repository, with the imports of each. */
type SourceTree = {
  readonly files: readonly SourceFile[];
  /** Imports by file, of files that are there. */
  readonly graph: Graph;
};

/** @param root of the repository */
export async function readSourceTree(root: string): Promise<SourceTree> {
  const paths = await findSources(root);
  const files = await Promise.all(paths.map((path) => readSourceFile(root, path)));
  const known = new Set(paths);
  return { files, graph: new Map(files.map((file) => [file.path, findNeighbours(file, known)])) };
}

/** @returns what breaks a rule, each with what to do */
export function checkImports({ files, graph }: SourceTree, known: Rooms = rooms): Fault[] {
  const faults = files.flatMap((file) => checkFile(file, graph, known));
  for (const cycle of findCycles(graph)) faults.push(`cycle: ${cycle.join(' -> ')}`);
  const sources = new Map([...graph].filter(([path]) => !isTest(path) && packageName(path) !== 'test'));
  faults.push(...folderCycleFaults(sources));
  faults.push(...looseFileFaults(files.map(({ path }) => path).filter((path) => !isTest(path))));
  return faults;
}

/** @returns entries of homes.ts and rooms.ts that nothing uses any more */
export function findStaleRules({ files, graph }: SourceTree): Fault[] {
  const faults: Fault[] = [];
  for (const [library, { places }] of Object.entries(homes)) {
    const users = files.filter(({ imports }) => imports.some((one) => libraryName(one.specifier) === library));
    for (const place of places) {
      if (users.some(({ path }) => isPlace(place, path))) continue;
      faults.push(`scripts/imports/homes.ts: nothing in ${place} imports ${library}; remove the place`);
    }
  }
  const used = new Set<string>();
  for (const [path, targets] of graph) {
    if (isTest(path)) continue;
    for (const target of targets) used.add(`${readRoom(path)} ${readRoom(target).split('/')[1] ?? '.'}`);
  }
  for (const [room, allowed] of Object.entries(rooms)) {
    for (const other of allowed) {
      if (used.has(`${room} ${other}`)) continue;
      faults.push(`scripts/imports/rooms.ts: ${room} does not use ${other}; remove the entry`);
    }
  }
  return faults;
}

async function findSources(root: string, directory = ''): Promise<string[]> {
  const found: string[] = [];
  for (const entry of await readdir(join(root, directory), { withFileTypes: true })) {
    const path = posix.join(directory, entry.name);
    if (entry.isDirectory() && !entry.name.startsWith('.') && !skippedDirectories.has(entry.name)) {
      found.push(...(await findSources(root, path)));
    } else if (entry.isFile() && entry.name.endsWith('.ts')) {
      found.push(path);
    }
  }
  return found.sort();
}

function checkFile(file: SourceFile, graph: Graph, known: Rooms): Fault[] {
  const faults = [sizeFault(file), nameFault(file)].filter((fault) => fault !== undefined);
  for (const one of file.imports) {
    const target = resolveTarget(file, one);
    const missing = target.kind === 'file' && target.path.endsWith('.ts') && !graph.has(target.path);
    const messages = missing
      ? [`${target.path} is not there`]
      : [...importRules.map((rule) => rule(file, one, target)), checkRoom(file, target, known)];
    for (const message of messages) if (message !== undefined) faults.push(`${file.path}:${one.line}: ${message}`);
  }
  return faults;
}

function checkRoom({ path }: SourceFile, target: Target, known: Rooms): string | undefined {
  if (target.kind !== 'file' || isTest(path) || packageName(path) === 'test') return undefined;
  return target.path.endsWith('.ts') ? roomFault(readRoom(path), readRoom(target.path), known) : undefined;
}

function findNeighbours(file: SourceFile, known: ReadonlySet<string>): string[] {
  return file.imports.flatMap((one) => {
    const target = resolveTarget(file, one);
    return target.kind === 'file' && known.has(target.path) ? [target.path] : [];
  });
}

function resolveTarget(file: SourceFile, { specifier }: Import): Target {
  if (specifier.startsWith('.')) return { kind: 'file', path: posix.join(posix.dirname(file.path), specifier) };
  if (specifier.startsWith('@skerry/')) return { kind: 'file', path: specifier.slice('@skerry/'.length) };
  if (isBuiltin(specifier)) return { kind: 'node', name: specifier };
  return { kind: 'library', name: libraryName(specifier) };
}

function libraryName(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}
