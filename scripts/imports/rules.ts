/** The rules of dependency of docs/ARCHITECTURE.md and of file size and name of CONTRIBUTING.md, one function each. */
import { homes, isPlace } from './homes.ts';
import type { Import, SourceFile } from './source-file.ts';

export type Fault = string;

/** The target of an import: a file of ours, a part of Node, or an outside library. */
export type Target =
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'node'; readonly name: string }
  | { readonly kind: 'library'; readonly name: string };

type Rule = (file: SourceFile, one: Import, target: Target) => string | undefined;

/** Per package: the packages it may import, and those of which it may name types only. */
const packages: Readonly<Record<string, { readonly all: readonly string[]; readonly types?: readonly string[] }>> = {
  shared: { all: [] },
  'control-plane': { all: ['shared'] },
  'edge-agent': { all: ['shared'] },
  cli: { all: ['shared'], types: ['control-plane'] },
  scripts: { all: ['shared', 'control-plane', 'edge-agent'] },
  test: { all: ['shared', 'control-plane', 'edge-agent', 'cli', 'scripts'] },
  examples: { all: [] },
};

const maxLines = 500;
const linesThatNeedAReason = 300;
const emptyNames = /^(utils?|helpers?|common|misc|index)$/;

export const importRules: readonly Rule[] = [packageEdge, sharedWithoutInputOutput, libraryAtHome];

export function sizeFault({ path, lines, header }: SourceFile): Fault | undefined {
  if (lines > maxLines) return `${path}: ${lines} lines; the limit is ${maxLines}`;
  if (lines > linesThatNeedAReason && !/\blines\b/.test(header)) {
    return `${path}: ${lines} lines; above ${linesThatNeedAReason} the header must say why (with the word "lines")`;
  }
  return undefined;
}

export function nameFault({ path, barrel }: SourceFile): Fault | undefined {
  const parts = path.split('/').map((part) => part.replace(/\.(test\.|pg\.test\.)?ts$/, ''));
  const empty = parts.find((part) => emptyNames.test(part));
  if (empty !== undefined) return `${path}: "${empty}" does not say what is in it`;
  if (barrel) return `${path}: only hands on what other files export; import those`;
  return undefined;
}

export function packageName(path: string): string {
  return path.includes('/') ? path.slice(0, path.indexOf('/')) : '';
}

/** Tests, the cases that several of them share, and what they need to run. */
export function isTest(path: string): boolean {
  return /\.(test|contract)\.ts$|\/testing\//.test(path);
}

function packageEdge(file: SourceFile, one: Import, target: Target): string | undefined {
  if (target.kind !== 'file') return undefined;
  const from = packageName(file.path);
  const to = packageName(target.path);
  if (from === to || from === '' || (isTest(file.path) && to === 'test')) return undefined;
  const allowed = packages[from];
  if (allowed?.all.includes(to)) return undefined;
  if (allowed?.types?.includes(to)) return one.typeOnly ? undefined : `${from} may only \`import type\` from ${to}`;
  return `${from} must not import ${to}`;
}

function sharedWithoutInputOutput(file: SourceFile, _: Import, target: Target): string | undefined {
  if (packageName(file.path) !== 'shared' || isTest(file.path) || target.kind !== 'node') return undefined;
  return target.name === 'node:crypto' ? undefined : `shared does no input or output: not ${target.name}`;
}

function libraryAtHome(file: SourceFile, one: Import, target: Target): string | undefined {
  if (target.kind !== 'library' || isTest(file.path)) return undefined;
  const home = homes[target.name];
  if (home === undefined) return `${target.name} has no home yet; give it one in scripts/imports/homes.ts`;
  if (one.typeOnly && home.typesAnywhere) return undefined;
  const atHome = home.places.some((place) => isPlace(place, file.path));
  return atHome ? undefined : `${target.name} is imported only in ${home.places.join(', ')}`;
}
