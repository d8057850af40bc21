import { expect, test } from 'vitest';
import { type ManifestInput, manifestSchema } from './manifest.ts';

const faults = (manifest: ManifestInput) =>
  manifestSchema.safeParse(manifest).error?.issues.map((issue) => issue.message);

test('an empty manifest has all its defaults', () => {
  expect(manifestSchema.parse(undefined)).toEqual({
    limits: { memory_bytes: 67_108_864, timeout_ms: 60_000, input_bytes: 1_048_576, output_bytes: 1_048_576 },
    env: {},
    args: [],
    instance: 'fresh',
    placement: { labels: {} },
    tag: '',
  });
});

test.each<[string, ManifestInput]>([
  ['environment over 64 KiB in all', { env: { A: 'x'.repeat(30_000), B: 'x'.repeat(30_000), C: 'x'.repeat(30_000) } }],
  ['arguments over 64 KiB in all', { args: Array.from({ length: 64 }, () => 'x'.repeat(4_000)) }],
  ['too many variables', { env: Object.fromEntries(Array.from({ length: 129 }, (_, n) => [`V${n}`, ''])) }],
  ['a NUL', { env: { A: 'a\0b' } }],
  ['half of a surrogate pair', { args: ['\ud800'] }],
  ['a variable that is no name', { env: { '1A': '' } }],
  ['more memory than there may be', { limits: { memory_bytes: 2 ** 40 } }],
  ['a key that nobody knows', { limit: {} } as ManifestInput],
])('%s is refused', (_, manifest) => {
  expect(faults(manifest)).toHaveLength(1);
});
