/** Commands and handlers within a thread: the environment of a request, and the log. */
import { describe, expect, test } from 'vitest';
import { TestChannel } from '../../../edge-agent/runner/host/http/testing/channel.ts';
import { frame, loadFixture } from '../../../edge-agent/runner/host/http/testing/function.ts';

/** Both ways to make instances must pass. */
export function commandCases(way: 'glue' | 'plan'): void {
  const environment = JSON.stringify({ env: { NAME: 'declared', Http_X_Fixed: 'declared' }, args: ['one'] });

  describe('a command', () => {
    const run = async (input: string, channel = new TestChannel()) => {
      const command = await loadFixture('run', way);
      const outcome = await command.call(frame({ environment, input: Buffer.from(input) }), channel);
      return outcome.ok ? Buffer.from(outcome.output).toString() : outcome;
    };

    test('that is called over HTTP finds the request in its environment, beside its declared variables', async () => {
      const headers = [
        ['x-api-key', 'first'],
        ['X-Api-Key', 'second'],
        ['x-fixed', 'by the caller'],
      ] as const;
      const request = { method: 'PUT', path: '/a/b?c=d', authority: 'shop.example', headers };
      const input = (name: string) => `{"env":"${name}"}`;
      const value = (name: string) => run(input(name), new TestChannel(request));
      expect(await value('Http_Method')).toBe('"PUT"');
      expect(await value('Http_Path')).toBe('"/a/b"');
      expect(await value('Http_Query')).toBe('"c=d"');
      expect(await value('Http_Host')).toBe('"shop.example"');
      expect(await value('Http_ContentLength')).toBe(`"${input('Http_ContentLength').length}"`);
      expect(await value('Http_Content_Length')).toBe(`"${input('Http_Content_Length').length}"`);
      expect(await value('Http_X_Api_Key')).toBe('"first"');
      expect(await value('Http_X_Fixed')).toBe('"declared"');
      expect(await value('NAME')).toBe('"declared"');
      expect(await run(input('Http_Method'))).toBe('null');
    });

    test('sees the request of its own call, even when it was made ahead', async () => {
      const command = await loadFixture('run', way);
      const call = (method: string) =>
        command.call(frame({ input: Buffer.from('{"env":"Http_Method"}') }), new TestChannel({ method }));
      const methods: string[] = [];
      for (const method of ['GET', 'POST']) {
        const outcome = await call(method);
        methods.push(outcome.ok ? Buffer.from(outcome.output).toString() : outcome.message);
        command.makeAhead();
      }
      expect(methods).toEqual(['"GET"', '"POST"']);
    });

    test('logs its standard error by the line, and its message has the last line', async () => {
      const channel = new TestChannel();
      expect(await run('{"stderr"', channel)).toMatchObject({
        code: 'function_error',
        message: expect.stringContaining('something went wrong'),
      });
      expect(channel.lines).toEqual([['stderr', 'something went wrong']]);
    });
  });

  test('a handler logs both of its streams, and neither is its answer', async () => {
    const handler = await loadFixture('host', way);
    const channel = new TestChannel();
    const outcome = await handler.call(frame({ input: Buffer.from('{"write":1}') }), channel);
    expect(outcome).toEqual({ ok: true, output: new Uint8Array(Buffer.from('"written"')) });
    expect(channel.lines).toEqual([
      ['stdout', 'to stdout'],
      ['stderr', 'to stderr'],
    ]);
  });
}
