import type { ToControl } from '@skerry/shared/tunnel/protocol.ts';
import { expect, test } from 'vitest';
import { createTunnelCalls } from './tunnel-calls.ts';

test('an outcome that does not fit a frame is replaced by one that does', async () => {
  const sent: ToControl[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  const result = { ok: true, output: new Uint8Array(1_000) } as const;
  const serving = createTunnelCalls(
    {
      invoke: async () => ({ result, revision: 3, durationUs: 5, cold: true }),
      part() {},
      credit() {},
      cancel() {},
    },
    (frame) => {
      if (frame.kind === 'outcome' && frame.result.ok) throw new Error('outgoing frame of too many bytes');
      sent.push(frame);
      resolve();
    },
    () => ({ memoryAvailable: 1, running: 0 }),
  );
  serving.invoke({ kind: 'invoke', id: 'i', function: 'f', timeoutMs: 1_000, input: new Uint8Array(0) });
  await promise;
  expect(sent).toEqual([
    {
      kind: 'outcome',
      id: 'i',
      result: { ok: false, code: 'function_output_invalid', message: 'its answer cannot be sent' },
      revision: 3,
      durationUs: 5,
      cold: true,
      memoryAvailable: 1,
      running: 0,
    },
  ]);
});
