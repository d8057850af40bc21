/** Describes the permissions that a change has added to a function, and removed from it. */
import type { Deployed } from '../api/answers.ts';

const importMark = 'imports ';

/** Lines with `+` and `-`, all imports on one line. Empty when nothing has changed. */
export function describePermissions({ added, removed }: Deployed['permissions']): string {
  return formatLines('+', added) + formatLines('-', removed);
}

function formatLines(sign: string, permissions: readonly string[]): string {
  const imports = permissions
    .filter((line) => line.startsWith(importMark))
    .map((line) => line.slice(importMark.length));
  const lines = permissions.filter((line) => !line.startsWith(importMark));
  if (imports.length > 0) lines.unshift(importMark + imports.join(', '));
  return lines.map((line) => `  ${sign} ${line}\n`).join('');
}
