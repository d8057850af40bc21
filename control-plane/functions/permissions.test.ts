import { manifestSchema } from '@skerry/shared/function/manifest.ts';
import { expect, test } from 'vitest';
import { listPermissions, permissionDiff } from './permissions.ts';

const plain = manifestSchema.parse({});
const wide = manifestSchema.parse({
  capabilities: {
    http: ['api.example.com:443'],
    networks: ['lan'],
    directories: [{ host: '/srv/data', guest: '/data', mode: 'rw' }],
  },
  config: { unit: 'C' },
});

test('a component without imports asks for nothing', () => {
  expect(listPermissions([], plain)).toEqual({
    asks: [],
    granted: [],
    ungranted: [],
    unused: [],
  });
});

test('requested permissions that are not granted are listed once each', () => {
  const imports = [
    'wasi:http/outgoing-handler@0.2.3',
    'wasi:http/types@0.2.3',
    'wasi:filesystem/types@0.2.3',
    'wasi:filesystem/preopens@0.2.3',
    'wasi:sockets/tcp@0.2.3',
    'wasi:keyvalue/store@0.2.0-draft',
    'wasi:cli/stdout@0.2.3',
  ];
  expect(listPermissions(imports, plain)).toMatchObject({
    asks: ['files', 'key-value store', 'outgoing HTTP', 'sockets'],
    ungranted: ['outgoing HTTP', 'files', 'sockets'],
    unused: [],
  });
});

test('granted permissions that are never asked for', () => {
  const everything = ['HTTP to api.example.com:443', 'network lan', 'directory /srv/data as /data (rw)'];
  expect(listPermissions([], wide)).toMatchObject({
    granted: [...everything, 'configuration unit'],
    unused: [...everything, 'configuration unit'],
  });
  expect(listPermissions(['fl_imps.__http_request'], wide).unused).not.toContain('HTTP to api.example.com:443');
});

test('a diff compares imports by interface and grants by effect; another version is no change', () => {
  const before = { imports: ['wasi:io/poll@0.2.0', 'wasi:random/random@0.2.0'], manifest: plain };
  const after = { imports: ['wasi:io/poll@0.2.3', 'wasi:sockets/tcp@0.2.3'], manifest: wide };
  expect(permissionDiff(before, after)).toEqual({
    added: [
      'imports wasi:sockets/tcp',
      'HTTP to api.example.com:443',
      'network lan',
      'directory /srv/data as /data (rw)',
      'configuration unit',
    ],
    removed: ['imports wasi:random/random'],
  });
  expect(permissionDiff(undefined, before).added).toEqual(['imports wasi:io/poll', 'imports wasi:random/random']);
  expect(permissionDiff(after, after)).toEqual({ added: [], removed: [] });
});
