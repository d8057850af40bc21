import { outboundSchema } from '@skerry/shared/function/manifest.ts';
import { describe, expect, test } from 'vitest';
import { type AddressClass, canonical, classify, isAllowed, isNamed } from './egress.ts';

describe('an address is', () => {
  const places: Record<AddressClass, string[]> = {
    public: ['1.1.1.1', '93.184.216.34', '172.32.0.1', '100.128.0.1', '2606:4700::1111', '2a00:1450:4001::1'],
    loopback: ['127.0.0.1', '127.255.255.254', '::1', '::ffff:127.0.0.1', '::ffff:7f00:1', '64:ff9b::127.0.0.1'],
    'link-local': ['169.254.1.1', 'fe80::1', 'febf::1', '::ffff:169.254.1.1', '2002:a9fe:101::1'],
    metadata: [
      '169.254.169.254',
      '169.254.170.2',
      '100.100.100.200',
      '168.63.129.16',
      '192.0.0.192',
      'fd00:ec2::254',
      'fd00:ec2::23',
      'fd20:ce::254',
      '::ffff:169.254.169.254',
      '64:ff9b::a9fe:a9fe',
      '2002:a9fe:a9fe::',
    ],
    lan: [
      '10.0.0.1',
      '172.16.0.1',
      '172.31.255.255',
      '192.168.1.1',
      '100.64.0.1',
      '198.18.0.1',
      'fc00::1',
      'fd12:3456::1',
      'fec0::1',
      '::ffff:10.0.0.1',
      '::ffff:0:10.0.0.1',
      '::10.1.2.3',
      '64:ff9b::c0a8:101',
      '2002:c0a8:101::1',
    ],
    never: [
      '0.0.0.0',
      '0.1.2.3',
      '::',
      '::2',
      '224.0.0.1',
      '239.255.255.250',
      '255.255.255.255',
      '240.0.0.1',
      '192.0.2.1',
      '198.51.100.1',
      '203.0.113.1',
      'ff02::1',
      '2001:db8::1',
      '2001::1',
      '64:ff9b:1::a00:1',
      '100::1',
      '4000::1',
      'fe80::1%eth0',
      '::ffff:0.0.0.0',
      '127.1',
      '0x7f000001',
      'localhost',
      '',
    ],
  };
  for (const [place, addresses] of Object.entries(places)) {
    test.each(addresses)(`${place}: %s`, (address) => expect(classify(address)).toBe(place));
  }
});

describe('a pattern', () => {
  const cases: [pattern: string, named: string[], other: string[]][] = [
    ['example.com', ['example.com:80', 'example.com:443'], ['example.com:8080', 'a.example.com:80', 'xexample.com:80']],
    ['example.com:8080', ['example.com:8080'], ['example.com:80']],
    ['example.com:*', ['example.com:1', 'example.com:65535'], ['example.org:1']],
    ['EXAMPLE.com', ['example.com:80'], []],
    ['*.example.com', ['a.example.com:80', 'a.b.example.com:443'], ['example.com:80', 'badexample.com:80']],
    ['*', ['anything:80', '10.0.0.1:443'], ['anything:8080']],
    ['*:*', ['anything:1', '::1:5'], []],
    ['10.0.0.1:8080', ['10.0.0.1:8080'], ['10.0.0.2:8080']],
    ['[::1]:8080', ['::1:8080'], ['::2:8080']],
    ['[0:0::1]', ['::1:80'], []],
  ];
  const toTarget = (text: string) => {
    const at = text.lastIndexOf(':');
    return { host: text.slice(0, at), port: Number(text.slice(at + 1)) };
  };
  test.each(cases)('%s', (pattern, named, other) => {
    expect(outboundSchema.safeParse(pattern).success).toBe(true);
    for (const target of named) expect(isNamed([pattern], toTarget(target)), target).toBe(true);
    for (const target of other) expect(isNamed([pattern], toTarget(target)), target).toBe(false);
  });
  test('an address has no subdomains', () => {
    expect(isNamed(['*.0.0.1'], { host: '10.0.0.1', port: 80 })).toBe(false);
  });
  test('an empty list allows nothing', () => expect(isNamed([], { host: 'example.com', port: 80 })).toBe(false));
});

describe('where a name leads', () => {
  const allowed = (http: string[], networks: ('loopback' | 'link-local' | 'metadata' | 'lan')[], address: string) =>
    isAllowed({ http, networks }, { host: 'example.com', port: 80 }, address);

  test('a public address needs only the name', () => expect(allowed(['*'], [], '1.1.1.1')).toBe(true));
  test('each network needs its own grant', () => {
    expect(allowed(['*'], [], '127.0.0.1')).toBe(false);
    expect(allowed(['*'], ['lan', 'link-local', 'metadata'], '127.0.0.1')).toBe(false);
    expect(allowed(['*'], ['loopback'], '127.0.0.1')).toBe(true);
    expect(allowed(['*'], ['lan', 'link-local', 'loopback'], '169.254.169.254')).toBe(false);
    expect(allowed(['*'], ['link-local'], '169.254.1.1')).toBe(true);
    expect(allowed(['*'], ['lan'], 'fd12::1')).toBe(true);
  });
  test('no grant opens an address that is never allowed', () => {
    const all = ['lan', 'link-local', 'loopback', 'metadata'] as const;
    for (const address of ['0.0.0.0', '::', '224.0.0.1'])
      expect(allowed(['*', address], [...all], address)).toBe(false);
  });
  test('a granted address opens itself, and no name that leads to it', () => {
    const grants = { http: ['10.0.0.1:8080', '[::1]:*', '*:*'], networks: [] };
    expect(isAllowed(grants, { host: '10.0.0.1', port: 8080 }, '10.0.0.1')).toBe(true);
    expect(isAllowed(grants, { host: '10.0.0.1', port: 80 }, '10.0.0.1')).toBe(false);
    expect(isAllowed(grants, { host: '::1', port: 80 }, '::1')).toBe(true);
    expect(isAllowed(grants, { host: 'name', port: 8080 }, '10.0.0.1')).toBe(false);
  });
});

test('a host has one canonical form', () => {
  expect(canonical('EXAMPLE.com.')).toBe('example.com');
  for (const host of ['127.1', '0x7f.1', '2130706433', '0177.0.0.1']) expect(canonical(host)).toBe('127.0.0.1');
  expect(canonical('[::FFFF:127.0.0.1]')).toBe('::ffff:7f00:1');
  expect(canonical('b\u00fccher.example')).toBe('xn--bcher-kva.example');
  for (const host of ['a/b', 'a@b', 'a:80', '', 'a b', '[::1', 'a#b', '%00'])
    expect(canonical(host), host).toBeUndefined();
});
