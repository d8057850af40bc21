import { expect, test } from 'vitest';
import { type ErrorCode, errorCodes } from '../errors.ts';
import { type AfterFailure, afterFailure } from './retry.ts';

/** In this order: not started and not blamed, not started and blamed, started and not blamed, started and blamed. */
type Row = readonly [AfterFailure, AfterFailure, AfterFailure, AfterFailure];
const free: Row = ['again', 'again', 'again', 'again'];
const final: Row = ['final', 'final', 'final', 'final'];
const always: Row = ['attempt', 'attempt', 'attempt', 'attempt'];
const onceStarted: Row = ['again', 'again', 'attempt', 'attempt'];
const onceStartedAndBlamed: Row = ['again', 'again', 'again', 'attempt'];

const table: Readonly<Record<ErrorCode, Row>> = {
  bad_request: onceStarted,
  unauthorized: onceStarted,
  forbidden: onceStarted,
  not_found: final,
  not_acceptable: onceStarted,
  conflict: onceStarted,
  payload_too_large: final,
  validation_failed: onceStarted,
  component_rejected: onceStarted,
  function_error: onceStarted,
  function_trap: onceStarted,
  function_out_of_memory: onceStarted,
  function_output_too_large: onceStarted,
  function_output_invalid: onceStarted,
  function_http_error: onceStarted,
  function_no_answer: onceStarted,
  function_timeout: onceStarted,
  function_load_failed: always,
  event_invalid: final,
  no_agent: free,
  no_capacity: free,
  function_held_back: free,
  agent_busy: free,
  agent_draining: free,
  agent_unreachable: free,
  code_unavailable: free,
  agent_lost: onceStarted,
  runner_lost: onceStartedAndBlamed,
  cancelled: onceStarted,
  store_unavailable: free,
  queue_full: free,
  prepare_busy: free,
  internal: onceStarted,
};

test.each(errorCodes)('the policy decides on %s', (code) => {
  const decide = (started: boolean, blamed: boolean) => afterFailure(code, { started, blamed, stopping: false });
  expect([decide(false, false), decide(false, true), decide(true, false), decide(true, true)]).toEqual(table[code]);
});

test.each(errorCodes)('a shutdown changes the decision on %s only if it ended the invocation', (code) => {
  const facts = { started: true, blamed: true };
  const ended = code === 'runner_lost' || code === 'cancelled';
  expect(afterFailure(code, { ...facts, stopping: true })).toBe(
    ended ? 'again' : afterFailure(code, { ...facts, stopping: false }),
  );
});
