import { expect, test } from 'vitest';
import { afterClose, closeKinds, closeName, closeReason } from './close.ts';

test('each code has one meaning and one name', () => {
  const codes = Object.values(closeKinds).map((kind) => kind.code);
  expect(new Set(codes).size).toBe(codes.length);
  for (const [name, kind] of Object.entries(closeKinds)) expect(closeName(kind.code)).toBe(name);
});

test('unknown codes mean: reconnect', () => {
  expect(afterClose(1006)).toEqual({ next: 'again' });
  expect(closeName(4999)).toBeUndefined();
});

test('a reason is cut between characters to the length of a close frame', () => {
  expect(closeReason('short')).toBe('short');
  const reason = closeReason('ü'.repeat(100));
  expect(Buffer.byteLength(reason)).toBe(122);
  expect(reason).toMatch(/^ü+$/);
});
