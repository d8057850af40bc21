import { grantsSchema } from '@skerry/shared/function/manifest.ts';
import { expect, test } from 'vitest';
import { createLogGate } from './rate-limit.ts';

const fn = (id: string, log_bytes_per_second: number) => ({ id, grants: grantsSchema.parse({ log_bytes_per_second }) });
const entry = { source: 'stderr', text: 'x'.repeat(1_000) } as const;

test('a function has its limit once on this agent, for all threads, and others have their own', () => {
  const clock = { ms: 0 };
  const gate = createLogGate(() => clock.ms);
  let passed = 0;
  while (gate.pass(fn('f', 5_000), entry).length > 0) passed += 1;
  expect(passed).toBeGreaterThan(0);
  expect(gate.pass(fn('g', 5_000), entry)).toEqual([entry]);
  clock.ms += 1_000;
  expect(gate.pass(fn('f', 5_000), entry)).toEqual([
    { source: 'warn', text: '1 lines over the log limit were dropped' },
    entry,
  ]);
});

test('a changed limit counts at once', () => {
  const gate = createLogGate(() => 0);
  expect(gate.pass(fn('f', 0), entry)).toEqual([]);
  expect(gate.pass(fn('f', 5_000), entry)).toEqual([entry]);
});
