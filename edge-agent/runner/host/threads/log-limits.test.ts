import { expect, test } from 'vitest';
import { createLogLimits } from './log-limits.ts';

const see = (id: string, logBytesPerSecond: number) => ({
  environment: JSON.stringify({ function: id, logBytesPerSecond }),
});
const line = 'x'.repeat(1_000);

test('each function has its own limit, and a new one when it changes', () => {
  const limits = createLogLimits(() => 0);
  expect(limits.pass(see('silent', 0), 'stderr', line)).toEqual([]);
  expect(limits.pass(see('other', 10_000), 'stderr', line)).toEqual([{ source: 'stderr', text: line }]);
  expect(limits.pass(see('silent', 10_000), 'stderr', line)).toEqual([{ source: 'stderr', text: line }]);
});

test('the number of dropped lines is logged with the next line that passes', () => {
  const clock = { ms: 0 };
  const limits = createLogLimits(() => clock.ms);
  const call = see('f', 5_000);
  let passed = 0;
  while (limits.pass(call, 'stdout', line).length > 0) passed += 1;
  expect(passed).toBeGreaterThan(0);
  limits.pass(call, 'stdout', line);
  clock.ms += 1_000;
  expect(limits.pass(call, 'stdout', 'on')).toEqual([
    { source: 'warn', text: '2 lines over the log limit were dropped' },
    { source: 'stdout', text: 'on' },
  ]);
});

test('a line is cut', () => {
  const limits = createLogLimits(() => 0);
  expect(limits.pass(see('f', 100_000), 'stderr', 'x'.repeat(10_000))[0]?.text).toHaveLength(4_096);
});
