import { expect, test } from 'vitest';
import { guardedLookup, isForbidden } from './forbidden-addresses.ts';

test.each([
  '169.254.169.254',
  '100.100.100.200',
  '168.63.129.16',
  'fe80::1',
  'fe80::1%eth0',
  '[fe80::1]',
  'fd00:ec2::254',
  'fd00:ec2::23',
  'fd00:c1::a9fe:a9fe',
  'fd20:ce::254',
  '::ffff:169.254.169.254',
  '[::ffff:a9fe:a9fe]',
  '64:ff9b::169.254.169.254',
  '64:ff9b::6464:64c8',
  '64:ff9b::a83f:8110',
  '64:ff9b:1::a9fe:a9fe',
  '64:ff9b:1:a9fe:a9:fe00::',
])('%s is', (host) => {
  expect(isForbidden(host)).toBe(true);
});

test.each([
  'broker.example',
  '127.0.0.1',
  '10.0.0.1',
  '168.63.129.17',
  '::1',
  'fd00::1',
  'fd00:ec3::254',
  'fd20:ce::253',
  '::ffff:10.0.0.1',
  '64:ff9b::10.0.0.1',
])('%s is not forbidden', (host) => {
  expect(isForbidden(host)).toBe(false);
});

test('an address in another notation is judged when it is looked up', async () => {
  // 169.254.169.254 as one number: no address to us, but one to the system.
  const code = await new Promise((resolve) => guardedLookup('2852039166', {}, (error) => resolve(error?.code)));
  expect(code).toBe('EACCES');
});
