/** Files that prose names must be there: a name that was left behind by a move sends the reader astray. */

/**
 * @param path of the file in which the text stands
 * @param files all paths of the repository
 */
export function checkFileNames(
  path: string,
  text: string,
  files: readonly string[],
): { readonly words: string; readonly advice: string }[] {
  if (!path.endsWith('.ts') && !path.endsWith('.md')) return [];
  const faults: { words: string; advice: string }[] = [];
  for (const [name] of text.matchAll(/(?<![\w.@*$/{}-])(?:[\w-]+\/)*[\w-]+\.ts\b(?!\w)/g)) {
    const isThere = files.some((file) => file === name || file.endsWith(`/${name}`));
    if (!isThere) faults.push({ words: name, advice: 'no file of this name is there; name the one that is' });
  }
  return faults;
}
