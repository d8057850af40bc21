import { maxPartBytes } from '@skerry/shared/http/http-limits.ts';
import { beforeEach, expect, test } from 'vitest';
import { createPartCoalescer, type PartCoalescer } from './part-coalescer.ts';

type Sent = { id: string; text: string; last: boolean; trailers?: unknown };
let sent: Sent[];
let endTurn: () => void;
let parts: PartCoalescer;

beforeEach(() => {
  sent = [];
  endTurn = () => {};
  parts = createPartCoalescer(
    // Like the codec, this takes the bytes at once.
    ({ kind, bytes, ...rest }) => sent.push({ ...rest, text: Buffer.from(bytes).toString() }),
    (flush) => {
      endTurn = flush;
    },
  );
});

const part = (text: string, end: 'no' | 'last' = 'no') => ({ bytes: Buffer.from(text), end });

test('parts of one turn leave together, and their bytes may be reused at once', () => {
  const bytes = Buffer.from('ab');
  parts.add('1', { bytes, end: 'no' });
  bytes.fill('x');
  parts.add('1', part('cd'));
  expect(sent).toEqual([]);
  endTurn();
  parts.add('1', part('ef'));
  endTurn();
  expect(sent.map(({ text }) => text)).toEqual(['abcd', 'ef']);
});

test('the last part takes the waiting ones along, with its trailers', () => {
  parts.add('1', part('ab'));
  parts.add('1', { ...part('cd', 'last'), trailers: [['a', 'b']] });
  parts.add('2', part('', 'last'));
  endTurn();
  expect(sent).toEqual([
    { id: '1', text: 'abcd', last: true, trailers: [['a', 'b']] },
    { id: '2', text: '', last: true },
  ]);
});

test('bodies stay apart', () => {
  for (const [id, text] of ['1a', '2b', '2c', '1d'].map((pair) => [...pair])) parts.add(id as string, part(text ?? ''));
  parts.flush();
  expect(sent.map(({ id, text }) => id + text)).toEqual(['1a', '2bc', '1d']);
});

test('no part is over its limit, and large parts do not wait', () => {
  parts.add('1', part('a'.repeat(maxPartBytes - 1)));
  parts.add('1', part('bc'));
  expect(sent.map(({ text }) => text.length)).toEqual([maxPartBytes - 1]);
  parts.add('1', part('d'.repeat(maxPartBytes)));
  expect(sent.map(({ text }) => text.length)).toEqual([maxPartBytes - 1, 2, maxPartBytes]);
});
