/** Every fault of the TypeScript files below one directory, as lines for a person. */
import { readdir } from 'node:fs/promises';
import { isBuiltin } from 'node:module';
import { join, posix } from 'node:path';
import { findCycles } from './cycles.ts';
import { type Fault, importRules, nameFault, sizeFault, type Target } from './rules.ts';
import { type Import, readSourceFile, type SourceFile } from './source-file.ts';

const skippedDirectories = new Set(['node_modules', 'dist', 'coverage']);

/** @param root of the repository */
export async function checkImports(root: string): Promise<{ files: number; faults: Fault[] }> {
  const paths = await findSources(root);
  const files = await Promise.all(paths.map((path) => readSourceFile(root, path)));
  const known = new Set(paths);
  const faults = files.flatMap((file) => faultsOf(file, known));
  const graph = new Map(files.map((file) => [file.path, neighboursOf(file, known)]));
  for (const cycle of findCycles(graph)) faults.push(`cycle: ${cycle.join(' -> ')}`);
  return { files: files.length, faults };
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

function faultsOf(file: SourceFile, known: ReadonlySet<string>): Fault[] {
  const faults = [sizeFault(file), nameFault(file)].filter((fault) => fault !== undefined);
  for (const one of file.imports) {
    const target = targetOf(file, one);
    const missing = target.kind === 'file' && target.path.endsWith('.ts') && !known.has(target.path);
    const messages = missing ? [`${target.path} is not there`] : importRules.map((rule) => rule(file, one, target));
    for (const message of messages) if (message !== undefined) faults.push(`${file.path}:${one.line}: ${message}`);
  }
  return faults;
}

function neighboursOf(file: SourceFile, known: ReadonlySet<string>): string[] {
  return file.imports.flatMap((one) => {
    const target = targetOf(file, one);
    return target.kind === 'file' && known.has(target.path) ? [target.path] : [];
  });
}

function targetOf(file: SourceFile, { specifier }: Import): Target {
  if (specifier.startsWith('.')) return { kind: 'file', path: posix.join(posix.dirname(file.path), specifier) };
  if (specifier.startsWith('@skerry/')) return { kind: 'file', path: specifier.slice('@skerry/'.length) };
  if (isBuiltin(specifier)) return { kind: 'node', name: specifier };
  const parts = specifier.split('/');
  return { kind: 'library', name: parts.slice(0, specifier.startsWith('@') ? 2 : 1).join('/') };
}
