/** A real guest in a real runner stores values, reads its config and writes its log. */
import { grantsSchema } from '@skerry/shared/function/manifest.ts';
import { afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { prepareFixture } from '../../../test/fixtures/bundles.ts';
import type { Runner } from '../../runner/calls/call.ts';
import type { LogEntry } from '../../runner/protocol/stream-wire.ts';
import { call, start, text } from '../../runner/testing/harness.ts';
import { type AgentStore, openStore } from '../../storage/store.ts';
import { type CapabilityHost, createCapabilityHost } from '../capabilities.ts';

let bundle: { digest: string; bytes: Uint8Array };
beforeAll(async () => {
  const prepared = await prepareFixture('kept');
  bundle = { digest: prepared.bundleDigest, bytes: prepared.bundle };
});

let store: AgentStore;
let capabilities: CapabilityHost;
let runner: Runner;
beforeEach(() => {
  store = openStore(':memory:');
  capabilities = createCapabilityHost({ offered: [], keyvalue: store.keyvalue });
  runner = start({ capabilities, readBundle: (digest) => (digest === bundle.digest ? bundle.bytes : undefined) });
});
afterEach(() => store.close());

type Options = { fn?: string; keyvalueBytes?: number; onLog?: (entry: LogEntry) => void };

async function invoke(input: string, { fn = 'f', keyvalueBytes = 10_000, onLog = () => {} }: Options = {}) {
  const grants = grantsSchema.parse({ keyvalue_bytes: keyvalueBytes });
  const result = await call(runner, 'handler', input, {
    bundle: bundle.digest,
    granted: { function: fn, grants },
    see: { config: { colour: 'red' } },
    onLog,
  });
  return text(result).trimEnd();
}

test('one of each operation', async () => {
  const entries: LogEntry[] = [];
  const answer = await invoke('all', { onLog: (entry) => entries.push(entry) });
  expect(answer).toBe('none value 1 1 0 2 value other mine 0 red none');
  expect(entries).toEqual([
    { source: 'warn', text: 'part: first' },
    { source: 'warn', text: 'part: second' },
  ]);
});

test('a value outlives its call, and belongs to the function', async () => {
  expect(await invoke('count')).toBe('1');
  expect(await invoke('count')).toBe('2');
  expect(await invoke('count', { fn: 'g' })).toBe('1');
  capabilities.forget('f');
  expect(await invoke('count')).toBe('1');
});

test('concurrent calls lose no count', async () => {
  await Promise.all(Array.from({ length: 50 }, () => invoke('count')));
  expect(await invoke('count')).toBe('51');
});

test('over the limit there is an error, and without a share no store', async () => {
  expect(await invoke('fill')).toBe('9 over the limit of 10000 bytes (limits.keyvalue_bytes)');
  expect(await invoke('count', { keyvalueBytes: 0 })).toBe('function_error: access-denied');
});

test('an invalid bucket or key is an error, or the end of its guest', async () => {
  expect(await invoke('cheat')).toMatch(/^function_trap/);
  expect(await invoke('count')).toBe('1');
});
