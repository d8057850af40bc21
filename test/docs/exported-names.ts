/** Finds the names that a source file exports, without the TypeScript compiler. */

const exportPattern = /^export (?:async )?(function|const|class|type|interface)\*? (\w+)/gm;
const typeKinds = new Set(['class', 'type', 'interface']);

export function readExportedNames(source: string): ReadonlySet<string> {
  return new Set([...source.matchAll(exportPattern)].map(([, , name = '']) => name));
}

/** Types, interfaces and classes. */
export function readExportedTypes(source: string): ReadonlySet<string> {
  return new Set(
    [...source.matchAll(exportPattern)].filter(([, kind = '']) => typeKinds.has(kind)).map(([, , name = '']) => name),
  );
}
