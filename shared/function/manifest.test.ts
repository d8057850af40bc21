import { expect, test } from 'vitest';
import { type ManifestInput, manifestSchema, selectCoreLimits, selectGrants } from './manifest.ts';

const faults = (manifest: ManifestInput) =>
  manifestSchema.safeParse(manifest).error?.issues.map((issue) => issue.message);

test('an empty manifest has all its defaults', () => {
  expect(manifestSchema.parse(undefined)).toEqual({
    limits: {
      memory_bytes: 67_108_864,
      timeout_ms: 60_000,
      input_bytes: 1_048_576,
      output_bytes: 1_048_576,
      body_bytes: 4_294_967_296,
      log_bytes_per_second: 16_384,
      concurrency: 10_000,
      keyvalue_bytes: 1_048_576,
    },
    capabilities: { http: [], networks: [], directories: [] },
    config: {},
    env: {},
    args: [],
    instance: 'fresh',
    retry: { attempts: 3, base_ms: 1_000, cap_ms: 60_000 },
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
  ['a variable with an invalid name', { env: { '1A': '' } }],
  ['more memory than the ceiling', { limits: { memory_bytes: 2 ** 40 } }],
  ['an unknown key', { limit: {} } as ManifestInput],
])('%s is refused', (_, manifest) => {
  expect(faults(manifest)).toHaveLength(1);
});

test.each([
  ['example.com'],
  ['*.example.com:443'],
  ['example.com:*'],
  ['*'],
  ['10.0.0.1:8080'],
  ['[fd00::1]:80'],
  ['[::ffff:1.2.3.4]'],
  ['a.com:65535'],
])('outbound %s is a destination', (place) => {
  expect(manifestSchema.parse({ capabilities: { http: [place] } }).capabilities.http).toEqual([place]);
});

test.each([
  ['http://example.com'],
  ['example.com/path'],
  ['a b'],
  ['ex*mple.com'],
  ['example.com:123456'],
  ['-a'],
  [''],
  ['a.com:99999'],
  ['a.com:0'],
  ['[:::]:80'],
  ['[1.2]'],
  ['999.1.1.1'],
  ['1.2.3'],
  ['*.1.2.3.4'],
  ['a..b'],
])('outbound %j is not a destination', (place) => {
  expect(manifestSchema.safeParse({ capabilities: { http: [place] } }).success).toBe(false);
});

test.each([['data'], ['/data/../etc'], ['/./data'], ['/data/..'], ['/da\0ta']])('%j is not a directory', (path) => {
  const directories = [{ host: path, guest: '/data' }];
  expect(manifestSchema.safeParse({ capabilities: { directories } }).success).toBe(false);
});

test.each([['/data'], ['/data/'], ['//data']])('two directories at /data and %s are refused', (guest) => {
  const directories = [
    { host: '/a', guest: '/data' },
    { host: '/b', guest },
  ];
  expect(faults({ capabilities: { directories } })).toEqual(['must each have a guest path of their own']);
});

test('agents of protocol 1 get the core limits, and agents of protocol 2 also get the grants', () => {
  const manifest = manifestSchema.parse({ limits: { concurrency: 3 }, config: { a: 'b' } });
  expect(selectGrants(manifest)).toMatchObject({ concurrency: 3, config: { a: 'b' }, http: [], directories: [] });
  expect(Object.keys(selectCoreLimits(manifest)).sort()).toEqual([
    'input_bytes',
    'memory_bytes',
    'output_bytes',
    'timeout_ms',
  ]);
});
