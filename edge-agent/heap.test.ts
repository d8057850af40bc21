import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';

const work = `
  let kept = [];
  for (let n = 0; n < 1e6; n++) { kept.push({ n, list: [n] }); if (kept.length > 20_000) kept = []; }
  const spaces = process.getBuiltinModule('node:v8').getHeapSpaceStatistics();
  console.log(spaces.find(({ space_name }) => space_name === 'new_space').space_size);`;

test('the space for new objects stays small under load', () => {
  const heap = new URL('./heap.ts', import.meta.url).href;
  const sizeWith = (...imports: string[]) =>
    Number(execFileSync(process.execPath, [...imports.map((url) => `--import=${url}`), '--eval', work]));
  expect(sizeWith(heap)).toBeLessThanOrEqual(4 * 1024 * 1024);
  expect(sizeWith()).toBeGreaterThan(8 * 1024 * 1024); // or the setting has become pointless
});
