/** Checks the glossary in docs/ARCHITECTURE.md, and finds names that two types have. */
import { checkProse } from '../../scripts/prose/rules.ts';
import { readExportedTypes } from './exported-names.ts';

type Entry = { readonly word: string; readonly meaning: string; readonly cell: string };

export function readGlossary(page: string): readonly Entry[] {
  const [, glossary = ''] = page.split(/^## Glossary$/m);
  return [...glossary.matchAll(/^\| (.+?) \| (.+?) \|(.*)\|$/gm)]
    .map(([, word = '', meaning = '', cell = '']) => ({ word, meaning, cell: cell.trim() }))
    .filter(({ word }) => word !== 'word' && !/^-+$/.test(word));
}

/**
 * @param sourceOf the text of a file, by its path from the root; undefined when there is no such file
 * @returns the faults, as sentences
 */
export function checkGlossary(page: string, sourceOf: (file: string) => string | undefined): string[] {
  const entries = readGlossary(page);
  return entries.flatMap(({ word, meaning, cell }, at) => {
    const before = entries[at - 1]?.word;
    return [
      ...(before === word ? [`"${word}" is there twice`] : []),
      ...(before !== undefined && before > word ? [`"${word}" stands after "${before}"`] : []),
      ...checkProse(`${word}. ${meaning}`).map(({ words }) => `"${word}" has the words "${words}"`),
      ...(cell === '' ? [] : checkType(cell, sourceOf)),
    ];
  });
}

function checkType(cell: string, sourceOf: (file: string) => string | undefined): string[] {
  const [, name, file] = /^`(\w+)` \(`([^`]+)`\)$/.exec(cell) ?? [];
  if (name === undefined || file === undefined) return [`"${cell}" does not name a type and its file`];
  const source = sourceOf(file);
  if (source === undefined) return [`there is no file ${file}`];
  return readExportedTypes(source).has(name) ? [] : [`${file} does not export a type ${name}`];
}

/** @returns the files of each type name that more than one of them exports */
export function findSharedTypeNames(sources: ReadonlyMap<string, string>): ReadonlyMap<string, readonly string[]> {
  const files = new Map<string, string[]>();
  for (const [file, source] of sources) {
    for (const name of readExportedTypes(source)) files.set(name, [...(files.get(name) ?? []), file]);
  }
  return new Map([...files].filter(([, found]) => found.length > 1));
}
