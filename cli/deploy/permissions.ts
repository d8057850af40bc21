/** What a change has added to a function's permissions, and taken from them. */
import type { Deployed } from '../api/answers.ts';

const importMark = 'imports ';

/** `+` and `-` lines, imports on one; empty when nothing has changed. */
export function describePermissions({ added, removed }: Deployed['permissions']): string {
  return linesOf('+', added) + linesOf('-', removed);
}

function linesOf(sign: string, permissions: readonly string[]): string {
  const imports = permissions.filter((one) => one.startsWith(importMark)).map((one) => one.slice(importMark.length));
  const lines = permissions.filter((one) => !one.startsWith(importMark));
  if (imports.length > 0) lines.unshift(importMark + imports.join(', '));
  return lines.map((line) => `  ${sign} ${line}\n`).join('');
}
