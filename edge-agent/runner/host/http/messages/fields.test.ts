import { describe, expect, test } from 'vitest';
import { Fields, readContentLength, receivedFields, sealFields } from './fields.ts';

const bytes = (text: string) => Buffer.from(text, 'latin1');
const texts = (values: Uint8Array[]) => values.map((value) => Buffer.from(value).toString('latin1'));

/** The error that a guest gets, by its case. */
function refusal(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return (error as { tag?: unknown }).tag ?? error;
  }
  return 'nothing';
}

describe('fields', () => {
  test('keep repeated fields apart and in order, names in their case, and bytes unchanged', () => {
    const fields = Fields.fromList([
      ['Set-Cookie', bytes('a=1')],
      ['x-bytes', Uint8Array.of(0x80, 0xff)],
      ['set-cookie', bytes('b=2')],
    ]);
    expect(texts(fields.get('SET-COOKIE'))).toEqual(['a=1', 'b=2']);
    expect(fields.get('x-bytes')).toEqual([Buffer.from([0x80, 0xff])]);
    expect(fields.entries().map(([name]) => name)).toEqual(['Set-Cookie', 'x-bytes', 'set-cookie']);
    expect([fields.has('Set-cookie'), fields.has('other'), fields.get('not a name')]).toEqual([true, false, []]);
    expect(sealFields(fields)).toContainEqual(['x-bytes', '\x80\xff']);
  });

  test('set replaces all of a name, delete removes them', () => {
    const fields = new Fields();
    fields.append('a', bytes('1'));
    fields.append('A', bytes('2'));
    fields.set('a', [bytes('3'), bytes('4')]);
    expect(texts(fields.get('a'))).toEqual(['3', '4']);
    fields.delete('A');
    expect(fields.entries()).toEqual([]);
  });

  test('take no name and no value that could break a head', () => {
    const fields = new Fields();
    for (const name of ['', 'a b', 'a:', 'a\r\nb', 'é', 'x'.repeat(257), '\0']) {
      expect(refusal(() => fields.append(name, bytes('1')))).toBe('invalid-syntax');
      expect(refusal(() => fields.delete(name))).toBe('invalid-syntax');
    }
    for (const value of ['a\r\nb: c', '\n', '\0', '\x7f', '\x1b']) {
      expect(refusal(() => fields.set('a', [bytes(value)]))).toBe('invalid-syntax');
    }
    fields.append('a', bytes('\ttab and \xe9'));
    expect(fields.entries()).toHaveLength(1);
  });

  test('offer a guest no way around their rules', () => {
    expect(Object.getOwnPropertyNames(Fields).toSorted()).toEqual(['fromList', 'length', 'name', 'prototype']);
    const wrong = [5, ['a'], undefined].map((name) => name as never);
    for (const name of wrong) expect(refusal(() => new Fields().append(name, bytes('1')))).toBe('invalid-syntax');
  });

  test('never disagree about a length', () => {
    const fields = new Fields();
    for (const value of ['', '-1', '1e3', '+5', '1, 1', '9'.repeat(16)]) {
      expect(refusal(() => fields.append('Content-Length', bytes(value)))).toBe('invalid-syntax');
    }
    fields.append('Content-Length', bytes('5'));
    expect(refusal(() => fields.append('content-length', bytes('6')))).toBe('invalid-syntax');
    expect(readContentLength(sealFields(fields))).toBe(5);
  });

  test("leave the connection's headers to the host, in both directions", () => {
    const fields = new Fields();
    for (const name of ['Connection', 'transfer-encoding', 'Host', 'upgrade', 'keep-alive', 'TE']) {
      expect(refusal(() => fields.append(name, bytes('x')))).toBe('forbidden');
    }
    const received = receivedFields([
      ['Connection', 'close'],
      ['x', '1'],
    ]);
    expect(Fields.fromList(received.entries()).entries()).toEqual([['x', bytes('1')]]);
  });

  test('that arrived, or have been given away, do not change; a clone does', () => {
    const received = receivedFields([['a', '1']]);
    const given = Fields.fromList([['a', bytes('1')]]);
    sealFields(given);
    for (const fields of [received, given]) {
      expect(refusal(() => fields.append('b', bytes('2')))).toBe('immutable');
      expect(refusal(() => fields.set('a', []))).toBe('immutable');
      expect(refusal(() => fields.delete('a'))).toBe('immutable');
      const clone = fields.clone();
      clone.append('b', bytes('2'));
      expect([clone.entries().length, fields.entries().length]).toEqual([2, 1]);
    }
  });

  test('are bounded, and a guest that exceeds the bound is ended', () => {
    const many = new Fields();
    for (let i = 0; i < 256; i++) many.append('a', bytes(''));
    expect(refusal(() => many.append('a', bytes('')))).toBeInstanceOf(Error);
    const large = new Fields();
    expect(refusal(() => large.append('a', Buffer.alloc(65_536, 'x')))).toBeInstanceOf(Error);
    expect(large.entries()).toEqual([]);
  });
});
