/**
 * Checks comments, messages, test titles and pages against the rules of prose of CONTRIBUTING.md: `npm run prose`, or
 * `npm run prose -- control-plane/db` for the files whose path begins so. Exit code 1 when a rule is broken.
 */
import { execFileSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { checkFileNames } from './prose/file-names.ts';
import { readPassages } from './prose/passages.ts';
import { checkProse } from './prose/rules.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
/**
 * Files that are not ours to word, that must name the words that the rules forbid, or whose tests name files that are
 * not there.
 */
const skipped =
  /^(LICENSE|package-lock\.json|control-plane\/db\/migrations\/|scripts\/prose\/[\w-]+\.ts|scripts\/check-prose|scripts\/check-imports\.test\.ts)/;
const kinds = /\.(ts|js|mjs|c|h|rs|md|yaml|yml|service|Dockerfile|toml)$|^scripts\/[\w-]+$|^\.ci\/|^infra\//;

const prefixes = process.argv.slice(2);
const listed = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], { cwd: root })
  .toString()
  .split('\n');
const files = listed
  .filter((path) => kinds.test(path) && !skipped.test(path))
  .filter((path) => prefixes.length === 0 || prefixes.some((prefix) => path.startsWith(prefix)));

let faults = 0;
for (const path of files) {
  const source = await readFile(join(root, path), 'utf8').catch(() => '');
  for (const { text, line } of readPassages(path, source)) {
    for (const { words, advice } of [...checkProse(text), ...checkFileNames(path, text, listed)]) {
      faults += 1;
      console.error(`${path}:${line}: "${words}": ${advice}`);
    }
  }
}
console.log(`${files.length} files, ${faults} faults`);
if (faults > 0) process.exitCode = 1;
