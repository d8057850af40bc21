/** Checks the import rules of the whole repository: `npm run imports`. Exit code 1 when one is broken. */
import { fileURLToPath } from 'node:url';
import { checkImports } from './imports/check.ts';

const { files, faults } = await checkImports(fileURLToPath(new URL('..', import.meta.url)));
for (const fault of faults) console.error(fault);
console.log(`${files} files, ${faults.length} faults`);
if (faults.length > 0) process.exitCode = 1;
