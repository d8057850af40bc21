/** Commands of WASI 0.3 within a thread: the result of each way of ending, and the state that is left behind. */
import { describe, expect, test } from 'vitest';
import { TestChannel } from '../http/testing/channel.ts';
import { frame, loadFixture } from '../http/testing/function.ts';

const command = await loadFixture('run03');

const call = async (input: string, channel = new TestChannel(), changes = {}) => {
  const outcome = await command.call(frame({ input: Buffer.from(input), ...changes }), channel);
  return outcome.ok ? Buffer.from(outcome.output).toString() : outcome;
};

const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('answers', () => {
  test('with what it wrote to standard output', async () => {
    expect(await call('hello')).toBe('hello');
    expect(await call('')).toBe('');
    expect(await call(`h${'x'.repeat(300_000)}`)).toHaveLength(300_001);
  });

  test('each call has an instance of its own, also with reuse', async () => {
    const texts = await Promise.all(
      ['one', 'other', 'again'].map((text) => call(text, new TestChannel(), { reuse: true })),
    );
    expect(texts).toEqual(['one', 'other', 'again']);
  });

  test('a command answers after a wait, and many wait at the same time', async () => {
    // One after the other they would take 25 s, which is longer than a test may.
    const texts = await Promise.all(Array.from({ length: 50 }, () => call('500')));
    expect(texts).toEqual(Array(50).fill('500'));
  });

  test('with what it wrote to streams that it left open', async () => {
    expect(await call('write')).toBe('write');
    expect(await call('m')).toBe('m'.repeat(300));
  });

  test('with what a task wrote that went on after the result', async () => {
    expect(await call('s')).toBe('on\non\non\n');
  });

  test('exit code 0 ends the call with the output so far', async () => {
    expect(await call('X')).toBe('left\n');
    expect(await call('zero')).toBe('zero');
  });
});

test('the environment has the declared values, and the request', async () => {
  const environment = JSON.stringify({ env: { NAME: 'declared' } });
  const lines = await call('v', new TestChannel({ method: 'PUT' }), { environment });
  expect(String(lines).split('\n')).toEqual(expect.arrayContaining(['NAME=declared', 'Http_Method=PUT']));
  expect(await call('v', new TestChannel(), { environment })).toBe('NAME=declared\n');
});

describe('each failure has its code', () => {
  test.for([
    ['e', 'function_error', /^exited with code 1: went wrong$/],
    ['x', 'function_error', /^exited with code 3/],
    ['t', 'function_trap', /unreachable/],
    ['d', 'function_trap', /deadlock/],
    ['n', 'function_trap', /without resolution/],
    ['b', 'function_trap', /callback code/],
    ['f', 'function_output_too_large', /1048576/],
  ] as const)('%s', async ([input, code, message]) => {
    const channel = new TestChannel();
    expect(await call(input, channel)).toMatchObject({ code, message: expect.stringMatching(message) });
    expect(channel.lines).toEqual(input === 'e' ? [['stderr', 'went wrong']] : []);
    expect(await call('hello')).toBe('hello');
  });

  test('a request for too many random bytes returns fewer', async () => {
    expect(await call('r')).toBe('65536');
  });
});

describe('the deadline', () => {
  test.for(['100000000', 'y'])('ends a guest that waits: %s', async (input) => {
    const channel = new TestChannel();
    const done = call(input, channel);
    for (let turns = 0; turns < 50; turns++) await turn();
    channel.controller.abort(new Error('the deadline'));
    expect(await done).toMatchObject({ code: 'function_trap', message: 'the deadline' });
  });
});
