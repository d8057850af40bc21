import type { OutcomeCode } from '@skerry/shared/errors.ts';
import { expect, test } from 'vitest';
import { verdictOn } from './verdict.ts';

test.each<[OutcomeCode, boolean, string]>([
  ['function_error', true, 'failed'],
  ['function_trap', true, 'failed'],
  ['function_timeout', true, 'failed'],
  ['function_out_of_memory', true, 'failed'],
  ['runner_lost', true, 'failed'],
  ['function_load_failed', false, 'failed'],
  ['function_timeout', false, 'refused'],
  ['runner_lost', false, 'refused'],
  ['agent_busy', false, 'refused'],
  ['function_held_back', false, 'refused'],
  ['code_unavailable', false, 'refused'],
  ['agent_draining', false, 'refused'],
  ['payload_too_large', false, 'end'],
])('%s, started %s: %s', (code, started, verdict) => {
  expect(verdictOn(code, { started, stopping: false, blamed: true })).toBe(verdict);
});

test('a call that a shutdown ends is no failure', () => {
  const shutdown = { started: true, stopping: true, blamed: true };
  expect(verdictOn('runner_lost', shutdown)).toBe('refused');
  expect(verdictOn('function_error', shutdown)).toBe('failed');
});

test('a loss of the runner that another function caused is not this function’s failure', () => {
  expect(verdictOn('runner_lost', { started: true, stopping: false, blamed: false })).toBe('refused');
});
