import { manifestSchema } from '@skerry/shared/function/manifest.ts';
import { type ReadyTrigger, triggerSchema } from '@skerry/shared/function/triggers.ts';
import { agentCodec } from '@skerry/shared/tunnel/codec.ts';
import { expect, test } from 'vitest';
import type { CatalogFunction } from '../model/catalog-function.ts';
import { createDesiredLists } from './desired.ts';

const functionNamed = (name: string, env: Record<string, string> = {}): CatalogFunction => ({
  id: name,
  module: '_',
  name,
  revision: 1,
  bundle: 'a'.repeat(64),
  world: 'skerry:function/handler',
  manifest: { ...manifestSchema.parse(undefined), env },
  capacityBytes: 0,
  since: 1,
  triggers: [],
  sinks: [],
});

const triggers = (count: number, ca: string): ReadyTrigger[] =>
  Array.from({ length: count }, (_, n) => ({
    id: `t${n}`,
    ...triggerSchema.parse({ type: 'mqtt', params: { host: 'b', topic: 't', tls: { ca, cert: ca, key: ca } } }),
  }));

test('triggers that fit in no frame are left out; their function and all others are sent', () => {
  const functions = ['fine', 'large'].map((name) => functionNamed(name));
  const told: string[] = [];
  const lists = createDesiredLists(
    { version: 1, functions: () => functions },
    ({ name }) => (name === 'large' ? triggers(32, 'x'.repeat(65_536)) : triggers(1, 'x')),
    { error: (_: unknown, message?: string) => void told.push(String(message)) },
  );
  const { frames, ids } = lists.forAgent({ labels: {}, protocolVersion: 3 });
  const sent = frames.flatMap((frame) => agentCodec.decode(frame));
  expect(sent.flatMap((frame) => (frame.kind === 'desired' ? frame.functions : []))).toMatchObject([
    { id: 'fine', triggers: [{ id: 't0' }] },
    { id: 'large', triggers: [] },
  ]);
  expect(ids).toEqual(new Set(['fine', 'large']));
  expect(told).toEqual(['the triggers of a function cannot be sent to agents']);
});
