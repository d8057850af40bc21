import { describe, expect, test } from 'vitest';
import { both, bytesSource, createCollector, createLines, createTail, OutputTooLarge } from './sources.ts';

describe('in memory', () => {
  test('a source in memory ends after its bytes', () => {
    const source = bytesSource(Buffer.from('abc'));
    expect([source.take(2), source.ended]).toEqual([Buffer.from('ab'), false]);
    expect([source.take(2), source.ended]).toEqual([Buffer.from('c'), true]);
    expect(source.take(2)).toBeUndefined();
  });

  test('a collector stops at its limit, and records that the guest wrote more', () => {
    const collector = createCollector(5);
    collector.target.write(Buffer.from('abc'));
    collector.target.write(Buffer.from('de'));
    expect(Buffer.from(collector.bytes()).toString()).toBe('abcde');
    expect(collector.exceeded).toBeUndefined();
    expect(() => collector.target.write(Buffer.from('f'))).toThrow(OutputTooLarge);
    expect(() => collector.target.write(new Uint8Array(0))).toThrow(OutputTooLarge);
    expect(collector.exceeded).toBeInstanceOf(OutputTooLarge);
  });

  test('a program that writes a megabyte byte by byte costs little more than the megabyte', () => {
    const collector = createCollector(1_048_576);
    for (let i = 0; i < 1_048_576; i++) collector.target.write(Uint8Array.of(i));
    const bytes = collector.bytes();
    expect(bytes.byteLength).toBe(1_048_576);
    expect(bytes.buffer.byteLength).toBeLessThanOrEqual(2 * 1_048_576);
  });

  test('a tail keeps the end', () => {
    const tail = createTail();
    for (let i = 0; i < 100_000; i++) tail.target.write(Buffer.from(`${i}\n`));
    expect(tail.text()).toHaveLength(65_535);
    expect(tail.text().endsWith('99998\n99999')).toBe(true);
    tail.clear();
    expect(tail.text()).toBe('');
  });

  test('a line splitter joins lines across writes, with either line end, and cuts long lines', () => {
    const lines: string[] = [];
    const tail = createTail();
    const splitter = createLines((line) => lines.push(line));
    const target = both(splitter.target, tail.target);
    for (const part of ['one\ntw', 'o\r\n\nthree', ' more', '\n', 'x'.repeat(5_000), '\nlast']) {
      target.write(Buffer.from(part));
    }
    expect(lines).toEqual(['one', 'two', '', 'three more', 'x'.repeat(4_096), 'x'.repeat(904)]);
    splitter.end();
    splitter.end();
    expect(lines.at(-1)).toBe('last');
    expect(lines).toHaveLength(7);
    expect(tail.text().startsWith('one\ntwo')).toBe(true);
  });
});
