/**
 * `npm run torture`: see run.ts for what it does. Exits with 0 when we lost nothing and nothing came twice.
 *
 *     npm run torture -- --kills 30                  a minute; what CI does
 *     npm run torture -- --kills 1000 --write        writes docs/TORTURE.md
 *     npm run torture -- --seed 7                    the same faults in the same order again
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { passed, render } from './report.ts';
import { torture } from './run.ts';

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '30' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 32)) },
    rate: { type: 'string', default: '50' },
    write: { type: 'boolean', default: false },
  },
});

function whole(name: 'kills' | 'seed' | 'rate', max: number): number {
  const number = Number(values[name]);
  if (Number.isInteger(number) && number >= 0 && number <= max) return number;
  process.stderr.write(`--${name} must be a whole number up to ${max}\n`);
  process.exit(2);
}

const options = { kills: whole('kills', 100_000), seed: whole('seed', 2 ** 32), rate: whole('rate', 10_000) };
process.stderr.write(`${options.kills} kills with seed ${options.seed}\n`);
const result = await torture({ ...options, say: (text) => process.stderr.write(`${text}\n`) });
const page = render(result, new Date());
process.stdout.write(page);
if (values.write) writeFileSync(new URL('../../docs/TORTURE.md', import.meta.url), page);
if (!passed(result)) {
  process.stderr.write(
    `lost by us: ${result.lost.join(', ') || 'none'}; twice: ${result.duplicated.join(', ') || 'none'}\n`,
  );
}
// At once: the library that ran Postgres ends a process without further work with 0, and ignores the process's exit
// code.
process.exit(passed(result) ? 0 : 1);
