/** FunLess's ABI with a real guest, prepared, in a real runner, with the capability host behind it. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { decodeBundle } from '@skerry/shared/function/bundle.ts';
import { grantsSchema } from '@skerry/shared/function/manifest.ts';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { prepareFixture } from '../../../../test/fixtures/bundles.ts';
import { createCapabilityHost } from '../../../capabilities/capabilities.ts';
import { type AgentStore, openStore } from '../../../storage/store.ts';
import type { Runner } from '../../calls/call.ts';
import type { LogEntry } from '../../protocol/stream-wire.ts';
import { type CallOptions, call, start, text } from '../../testing/harness.ts';

let bundle: { digest: string; bytes: Uint8Array };
beforeAll(async () => {
  const prepared = await prepareFixture('funless');
  bundle = { digest: prepared.bundleDigest, bytes: prepared.bundle };
});

let store: AgentStore;
let runner: Runner;
beforeEach(() => {
  store = openStore(':memory:');
  runner = start({
    capabilities: createCapabilityHost({ offered: [], keyvalue: store.keyvalue }),
    readBundle: (digest) => (digest === bundle.digest ? bundle.bytes : undefined),
  });
});
afterEach(() => store.close());

const loopback = grantsSchema.parse({ http: ['*:*'], networks: ['loopback'] });

async function invoke(input: object | string, options: CallOptions = {}, grants = loopback): Promise<string> {
  const given = typeof input === 'string' ? input : JSON.stringify(input);
  return text(
    await call(runner, 'command', given, { bundle: bundle.digest, granted: { function: 'f', grants }, ...options }),
  );
}

test('is prepared unchanged: no glue, its memory capped', () => {
  const { world, glue, exportName, modules } = decodeBundle(bundle.bytes);
  expect({ world, glue, exportName, modules: modules.length }).toEqual({
    world: 'funless',
    glue: '',
    exportName: '__invoke',
    modules: 1,
  });
});

describe('answers', () => {
  test('a response is the output, an error the function\u2019s own', async () => {
    expect(await invoke({ name: 'Team' })).toBe('{"payload":"Hello Team!"}');
    expect(await invoke({})).toBe('function_error: no name was given');
    expect(await invoke('')).toBe('function_error: no name was given');
  });

  test('each call gets a new instance, even where reuse is requested', async () => {
    for (const instance of ['fresh', 'reuse', 'reuse'] as const) {
      expect(await invoke({ count: 0 }, { instance })).toBe('{"count":1}');
    }
  });

  test('no output, too much output, an exit, a trap and an endless loop have codes of their own', async () => {
    expect(await invoke('"nothing"')).toMatch(/^function_output_invalid/);
    expect(await invoke('"huge"', { outputBytes: 10_000 })).toMatch(/^function_output_too_large/);
    expect(await invoke('"exit"')).toBe('function_error: it returned 3 and left no error');
    expect(await invoke('"trap"')).toMatch(/^function_trap/);
    expect(await invoke('"spin"', { timeoutMs: 500 })).toMatch(/^function_timeout/);
    expect(await invoke({ name: 'again' })).toContain('Hello again!');
  });

  test('every pointer and length out of bounds is a trap, and the thread goes on', async () => {
    for (let which = 0; which < 8; which++) {
      expect(await invoke({ outside: which }), String(which)).toMatch(
        /^function_trap: .*not within the guest's memory/,
      );
    }
    expect(await invoke({ name: 'again' })).toContain('Hello again!');
  });

  test('lines of the log, written in any pieces', async () => {
    const entries: LogEntry[] = [];
    await invoke('"log"', { onLog: (entry) => entries.push(entry) });
    expect(entries).toEqual([
      { source: 'stdout', text: 'by console_log' },
      { source: 'stdout', text: 'by fd_write' },
      { source: 'stderr', text: 'by fd_write' },
    ]);
  });
});

describe('__http_request', () => {
  let url: string;
  let answerWith: Buffer;
  let requests: { method: string | undefined; headers: NodeJS.Dict<string | string[]>; body: string }[];
  let close: () => void;
  beforeEach(async () => {
    requests = [];
    answerWith = Buffer.from('body');
    const server = createServer((incoming, answer) => {
      const parts: Buffer[] = [];
      incoming.on('data', (part) => parts.push(part));
      incoming.on('end', () => {
        requests.push({ method: incoming.method, headers: incoming.headers, body: Buffer.concat(parts).toString() });
        answer.statusCode = 203;
        answer.end(answerWith);
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/path?query`;
    close = () => server.close();
  });
  afterEach(() => close());

  const answered = (status: number, body: string) => JSON.stringify({ status, length: Buffer.byteLength(body), body });

  test('returns status, length in bytes and body', async () => {
    answerWith = Buffer.from('h\u00e9llo');
    expect(await invoke({ http: url })).toBe(answered(203, 'h\u00e9llo'));
    expect(await invoke({ post: url })).toBe(answered(203, 'h\u00e9llo'));
    expect(requests).toMatchObject([
      { method: 'GET', body: '' },
      {
        method: 'POST',
        body: 'sent',
        headers: { 'x-case': 'a:b', 'content-type': 'text/plain', 'content-length': '4' },
      },
    ]);
  });

  test('fits 1,024 bytes; a larger answer is a failure, with a line of log', async () => {
    answerWith = Buffer.alloc(1_024, 'x');
    expect(await invoke({ http: url })).toBe(answered(203, 'x'.repeat(1_024)));
    answerWith = Buffer.alloc(1_025, 'x');
    const entries: LogEntry[] = [];
    expect(await invoke({ http: url }, { onLog: (entry) => entries.push(entry) })).toBe(answered(0, ''));
    expect(entries).toMatchObject([{ source: 'warn', text: expect.stringContaining('1024 bytes') }]);
  });

  test('fits the unused bytes below an empty buffer', async () => {
    answerWith = Buffer.alloc(1_023, 'x');
    expect(await invoke({ rust: url })).toBe(answered(203, 'x'.repeat(1_023)));
    answerWith = Buffer.alloc(1_024, 'x');
    expect(await invoke({ rust: url })).toBe(answered(0, ''));
  });

  test('obeys the rules of every outgoing request', async () => {
    expect(await invoke({ http: url }, {}, grantsSchema.parse({ http: ['*:*'] }))).toBe(answered(0, ''));
    expect(await invoke({ http: url }, {}, grantsSchema.parse({}))).toBe(answered(0, ''));
    for (const other of ['file:///etc/passwd', 'not a URL', 'http://']) {
      expect(await invoke({ http: other })).toBe(answered(0, ''));
    }
    expect(requests).toEqual([]);
  });

  test('ends with the call', async () => {
    const silent = createServer(() => {});
    silent.listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const { port } = silent.address() as AddressInfo;
    await invoke({ name: 'there is a runner by now' });
    const gone = once(silent, 'connection').then(([socket]) => once(socket, 'close'));
    expect(await invoke({ http: `http://127.0.0.1:${port}/` }, { timeoutMs: 1_000 })).toMatch(/^function_timeout/);
    await gone;
    silent.close();
  });
});
