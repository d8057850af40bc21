import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createDeferredAccepted, type DeferredAccepted } from './deferred-accepted.ts';

let said: string[];
let starts: DeferredAccepted;

beforeEach(() => {
  vi.useFakeTimers();
  said = [];
  starts = createDeferredAccepted((id) => said.push(id), 5);
});
afterEach(() => {
  vi.useRealTimers();
});

test('held frames are sent in time, with one timer for all', () => {
  starts.hold('a');
  vi.advanceTimersByTime(3);
  starts.hold('b');
  expect(vi.getTimerCount()).toBe(1);
  vi.advanceTimersByTime(2);
  expect(said).toEqual(['a', 'b']);
  starts.hold('c');
  vi.advanceTimersByTime(5);
  expect(said).toEqual(['a', 'b', 'c']);
});

test('an ended invocation sends no frame, and a requested frame is sent once', () => {
  starts.hold('good');
  starts.hold('bad');
  starts.forget('good');
  starts.tellHeld('bad');
  starts.tellHeld('unknown');
  starts.tell('streams');
  vi.advanceTimersByTime(10);
  expect(said).toEqual(['bad', 'streams']);
});

test('nothing is sent for invocations of a tunnel that is gone', () => {
  starts.hold('a');
  starts.forgetAll();
  vi.advanceTimersByTime(10);
  expect(said).toEqual([]);
});
