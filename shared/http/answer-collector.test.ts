import { expect, test } from 'vitest';
import { SkerryError } from '../errors.ts';
import { AnswerCollector } from './answer-collector.ts';

const head = { status: 200, headers: [] };
const incomplete = new SkerryError('agent_lost', 'the body ended early');
const nothing = new Uint8Array(0);
const text = (bytes: Uint8Array) => Buffer.from(bytes).toString();

test('joins the parts of a streamed body', () => {
  const answer = new AnswerCollector(100);
  answer.begin(head);
  for (const part of ['[1', ',2', ',3']) expect(answer.add(Buffer.from(part), false)).toBe(true);
  expect(answer.add(Buffer.from(']'), true)).toBe(true);
  expect(text(answer.toOutput(undefined, nothing, incomplete))).toBe('[1,2,3]');
});

test('copies the bytes of a part', () => {
  const answer = new AnswerCollector(10);
  answer.begin(head);
  const part = Buffer.from('1');
  answer.add(part, true);
  part.fill(0);
  expect(text(answer.toOutput(undefined, nothing, incomplete))).toBe('1');
});

test('an answer that did not stream is the given one', () => {
  const answer = new AnswerCollector(10);
  expect(text(answer.toOutput(head, Buffer.from('7'), incomplete))).toBe('7');
  expect(text(answer.toOutput(head, nothing, incomplete))).toBe('null');
  expect(() => answer.toOutput(undefined, nothing, incomplete)).toThrow('gave no answer');
  expect(() => answer.toOutput(head, new Uint8Array(11), incomplete)).toThrow('more than 10 bytes');
});

test('a body over the limit takes no further part', () => {
  const answer = new AnswerCollector(4);
  answer.begin(head);
  expect(answer.add(new Uint8Array(4), false)).toBe(true);
  expect(answer.isTooLarge).toBe(false);
  expect(answer.add(new Uint8Array(1), false)).toBe(false);
  expect(answer.add(nothing, true)).toBe(false);
  expect(answer.isTooLarge).toBe(true);
  expect(() => answer.toOutput(undefined, nothing, incomplete)).toThrow('more than 4 bytes');
});

test('a body that ended early is the error of the caller', () => {
  const answer = new AnswerCollector(4);
  answer.begin(head);
  answer.add(new Uint8Array(1), false);
  expect(() => answer.toOutput(undefined, nothing, incomplete)).toThrow(incomplete);
});
