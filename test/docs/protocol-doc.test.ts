/** docs/PROTOCOL.md must mention every frame and every close code, with what the agent does. */
import { readFile } from 'node:fs/promises';
import { closeKinds } from '@skerry/shared/tunnel/close.ts';
import { toAgentSchema, toControlSchema } from '@skerry/shared/tunnel/protocol.ts';
import { expect, test } from 'vitest';

const page = await readFile(new URL('../../docs/PROTOCOL.md', import.meta.url), 'utf8');

/** Text below a heading, up to the next one of its level. */
function section(heading: string): string {
  const start = page.indexOf(`\n## ${heading}\n`);
  const end = page.indexOf('\n## ', start + 1);
  return start === -1 ? '' : page.slice(start, end === -1 ? undefined : end);
}

test.each([
  ['Frames from the control plane', toAgentSchema],
  ['Frames from the agent', toControlSchema],
])('%s: the page names every kind, and no other', (heading, schema) => {
  const kinds = schema.options.flatMap((option) => [...option.shape.kind.values]);
  const named = [...section(heading).matchAll(/^\| (`.*?`(?:, `.*?`)*) \|/gm)].flatMap(([, cell = '']) =>
    [...cell.matchAll(/`(.*?)`/g)].map(([, kind]) => kind),
  );
  expect(named.sort()).toEqual(kinds.sort());
});

test("the page names every close code, its meaning, and the agent's reaction", () => {
  const rows = section('Close codes').match(/^\| \d.*$/gm) ?? [];
  const expected = Object.entries(closeKinds).map(([name, { code, meaning, after }]) => {
    const wait = 'atLeastMs' in after ? after.atLeastMs / 1000 : 0;
    const then = { again: 'again', stop: 'stops', wait: `waits ${wait < 60 ? `${wait} s` : `${wait / 60} min`}` };
    return `| ${code} | \`${name}\` | ${meaning} | ${then[after.next]} |`;
  });
  expect(rows.sort()).toEqual(expected.sort());
});
