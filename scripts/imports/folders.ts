/** Rules about folders: no two need each other, and none has too many loose files. */
import { posix } from 'node:path';
import { findCycles, type Graph } from './cycles.ts';

/** Source files directly in one folder; tests do not count. More are hard to find one's way in by name. */
const maxLooseFiles = 12;

/** @param files paths of source files, without tests */
export function looseFileFaults(files: readonly string[]): string[] {
  const counts = new Map<string, number>();
  for (const file of files) {
    const folder = posix.dirname(file);
    counts.set(folder, (counts.get(folder) ?? 0) + 1);
  }
  return [...counts]
    .filter(([, count]) => count > maxLooseFiles)
    .map(
      ([folder, count]) =>
        `${folder}/: ${count} source files; at most ${maxLooseFiles}. Give those that belong together a folder ` +
        'named for what they share',
    );
}

/**
 * Folders that need each other, type-only imports included. A folder inside of another one is a folder of its own.
 *
 * @param graph imports by file, without tests
 */
export function folderCycleFaults(graph: Graph): string[] {
  const folders = new Map<string, Map<string, string>>();
  for (const [file, targets] of graph) {
    const from = posix.dirname(file);
    for (const target of targets) {
      const to = posix.dirname(target);
      if (to === from) continue;
      const imports = folders.get(from) ?? new Map<string, string>();
      if (!imports.has(to)) imports.set(to, `${file} imports ${target}`);
      folders.set(from, imports);
    }
  }
  const folderGraph = new Map([...folders].map(([folder, imports]) => [folder, [...imports.keys()]]));
  return findCycles(folderGraph).map((cycle) => {
    const examples = cycle.slice(0, -1).map((folder, index) => folders.get(folder)?.get(cycle[index + 1] ?? ''));
    return (
      `folders need each other: ${cycle.join(' -> ')} (${examples.join('; ')}). ` +
      'Move what they share to a folder below both, or take it as a parameter'
    );
  });
}
