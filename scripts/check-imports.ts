/** Checks the import rules of the whole repository: `npm run imports`. Exit code 1 when one is broken. */
import { fileURLToPath } from 'node:url';
import { checkImports, findStaleRules, readSourceTree } from './imports/check.ts';

const tree = await readSourceTree(fileURLToPath(new URL('..', import.meta.url)));
const faults = [...checkImports(tree), ...findStaleRules(tree)];
for (const fault of faults) console.error(fault);
console.log(`${tree.files.length} files, ${faults.length} faults`);
if (faults.length > 0) process.exitCode = 1;
