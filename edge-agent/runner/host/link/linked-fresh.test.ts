/**
 * Fresh calls answered by a restored instance: no state of an earlier call may remain, neither in the guest nor in the
 * host's objects for it. (direct-function.test.ts covers the guest's own memory.)
 */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { TestChannel } from '../http/testing/channel.ts';
import { frame, loadFixture } from '../http/testing/function.ts';
import type { LoadedFunction } from '../instances/loaded-function.ts';

const { Instance } = WebAssembly;
let made = 0;
beforeEach(() => {
  made = 0;
  WebAssembly.Instance = class extends Instance {
    constructor(...given: ConstructorParameters<typeof Instance>) {
      super(...given);
      made += 1;
    }
  };
});
afterEach(() => {
  WebAssembly.Instance = Instance;
});

async function answer(fn: LoadedFunction, input: string): Promise<string> {
  const outcome = await fn.call(frame({ input: Buffer.from(input) }), new TestChannel());
  return outcome.ok ? Buffer.from(outcome.output).toString().trim() : `${outcome.code}: ${outcome.message}`;
}

test('a command is restored, not made again, and its open files are gone', async () => {
  const files = await loadFixture('files', 'plan');
  expect(await answer(files, '{"op":"write","path":"/tmp/note","text":"mine"}')).toContain('"ok"');
  const before = made;
  for (let call = 0; call < 5; call++) {
    expect(await answer(files, '{"op":"read","path":"/tmp/note"}')).toContain('No such file');
    expect(await answer(files, '{"op":"write","path":"/tmp/note","text":"mine"}')).toContain('"ok"');
  }
  expect(made).toBe(before);
});

test('an instance that trapped, or was ended, is never restored', async () => {
  const http = await loadFixture('http', 'plan');
  const get = async (path: string, channel = new TestChannel({ path })) => {
    channel.body.end();
    return { outcome: await http.call(frame(), channel), text: channel.sink.text() };
  };
  await get('/count');
  const before = made;
  expect((await get('/trap')).outcome).toMatchObject({ code: 'function_trap' });
  expect(made).toBe(before);
  expect((await get('/count')).text).toBe('{"path":"/count","count":1}');
  expect(made).toBeGreaterThan(before);
});
