import { describe, expect, test } from 'vitest';
import { parsePath } from './path.ts';

test.each([
  ['a', ['a'], false],
  ['a/b', ['a', 'b'], false],
  ['a//b/', ['a', 'b'], true],
  ['./a/./b', ['a', 'b'], false],
  ['a/../b', ['b'], false],
  ['a/b/..', ['a'], true],
  ['.', [], true],
  ['a/..', [], true],
  ['...', ['...'], false],
  ['..a', ['..a'], false],
  ['a\\..\\..\\b', ['a\\..\\..\\b'], false],
])('%j', (path, names, isDirectory) => expect(parsePath(path)).toEqual({ names, isDirectory }));

describe('refused', () => {
  const codeOf = (path: string): unknown => {
    try {
      return parsePath(path);
    } catch (code) {
      return code;
    }
  };
  test.each([
    ['/etc/passwd', 'not-permitted'],
    ['/', 'not-permitted'],
    ['..', 'not-permitted'],
    ['a/../..', 'not-permitted'],
    ['../a/../..', 'not-permitted'],
    ['a/../../a', 'not-permitted'],
    ['', 'no-entry'],
    ['a\0b', 'invalid'],
    ['x'.repeat(256), 'name-too-long'],
    ['\u00e9'.repeat(128), 'name-too-long'],
    ['a/'.repeat(65), 'name-too-long'],
    ['a'.repeat(5_000_000), 'name-too-long'],
  ])('%.20j', (path, code) => expect(codeOf(path)).toBe(code));
});
