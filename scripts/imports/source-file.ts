/**
 * One TypeScript file as the import rules see it: what it imports, how long it is, what its header says.
 * An import inside a type (`import('x').Y`) is not seen where the lexer skips the type; write `import type`.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { init, parse } from 'es-module-lexer';

export type Import = {
  readonly specifier: string;
  /** Gone when the program runs. */
  readonly typeOnly: boolean;
  /** From 1. */
  readonly line: number;
};

export type SourceFile = {
  /** Relative to the root of the repository, with forward slashes. */
  readonly path: string;
  readonly imports: readonly Import[];
  readonly lines: number;
  /** The first block comment; empty when there is none. */
  readonly header: string;
  /** True when the file only hands on what others export. */
  readonly barrel: boolean;
};

const comment = /\/\*[\s\S]*?\*\/|\/\/.*/g;
const reExport = /export\s+(?:type\s+)?(?:\*(?:\s+as\s+\w+)?|\{[^}]*\})\s+from\s+'[^']+';?/g;

/** @throws Error, naming the file, when it does not parse */
export async function readSourceFile(root: string, path: string): Promise<SourceFile> {
  await init;
  const source = await readFile(join(root, path), 'utf8');
  try {
    const [found] = parse(source);
    const imports = found.flatMap((one): Import[] => {
      if (one.type === 'import-meta' || one.specifier === undefined) return [];
      const typeOnly = one.type === 'dynamic' ? one.probablyTypeOnly : one.typeOnly;
      return [{ specifier: one.specifier, typeOnly, line: lineAt(source, one.importStart) }];
    });
    return {
      path,
      imports,
      lines: source.split('\n').length - 1,
      header: /^(?:#!.*\n)?\s*\/\*([\s\S]*?)\*\//.exec(source)?.[1] ?? '',
      barrel: imports.length > 0 && source.replace(comment, '').replace(reExport, '').trim() === '',
    };
  } catch (cause) {
    throw new Error(`${path} does not parse: ${(cause as Error).message}`, { cause });
  }
}

function lineAt(source: string, index: number): number {
  return source.slice(0, index).split('\n').length;
}
