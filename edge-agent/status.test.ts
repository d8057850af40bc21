import type { TriggerState } from '@skerry/shared/function/triggers.ts';
import type { FrameOf, ToControl } from '@skerry/shared/tunnel/protocol.ts';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createStatus } from './status.ts';

const frame: FrameOf<ToControl, 'status'> = {
  kind: 'status',
  generation: 1,
  queued: 0,
  memoryAvailable: 1,
  running: 0,
};
const state = (now: TriggerState['state'], received = 0): TriggerState => {
  return { id: 't', state: now, received, run: 0, failed: 0, dropped: 0, pending: 0 };
};
let triggers: TriggerState[] = [];
const send = vi.fn<(frame: FrameOf<ToControl, 'status'>) => void>();

beforeEach(() => {
  vi.useFakeTimers();
  triggers = [];
  send.mockReset();
});
afterEach(() => vi.useRealTimers());

const start = () => {
  const status = createStatus({ frame: () => frame, send, triggers: () => triggers, log: pino({ level: 'silent' }) });
  status.start(10_000);
  return status;
};

test('a status is sent soon after a trigger has come up or fails, not for each message, and at the interval', () => {
  const status = start();
  vi.advanceTimersByTime(500);
  const before = send.mock.calls.length;
  triggers = [state('up')];
  vi.advanceTimersByTime(500);
  expect(send).toHaveBeenCalledTimes(before + 1);
  triggers = [state('up', 99)];
  vi.advanceTimersByTime(2_000);
  expect(send).toHaveBeenCalledTimes(before + 1);
  triggers = [state('failing')];
  vi.advanceTimersByTime(500);
  expect(send).toHaveBeenCalledTimes(before + 2);
  vi.advanceTimersByTime(10_000);
  expect(send).toHaveBeenCalledTimes(before + 3);
  status.stop();
  triggers = [];
  vi.advanceTimersByTime(60_000);
  expect(send).toHaveBeenCalledTimes(before + 3);
});

test('an oversized status does not end the process', () => {
  send.mockImplementation(() => {
    throw new Error('it does not fit its schema');
  });
  const status = start();
  vi.advanceTimersByTime(20_000);
  expect(send).toHaveBeenCalled();
  status.stop();
});
