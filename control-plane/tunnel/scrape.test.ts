import { expect, test } from 'vitest';
import { readLoad } from './scrape.ts';

test('reads plain samples, with or without labels', () => {
  const text = [
    '# HELP skerry_agent_memory_available_bytes Memory',
    'skerry_agent_memory_available_bytes 1048576',
    'skerry_agent_memory_total_bytes{site="north"} 2.5e+9',
    'skerry_agent_invocations_running 3',
    '',
  ].join('\n');
  expect(readLoad(text)).toEqual({ memoryAvailable: 1_048_576, memoryTotal: 2.5e9, running: 3 });
});

test.each(['', 'NaN', '-1', '+Inf', '12 34 56x', '1\r', 'x'])('a value like "%s" is left out', (value) => {
  expect(readLoad(`skerry_agent_memory_available_bytes ${value}\n`)).toEqual({});
});

test('a metric whose name only starts or ends alike is another metric', () => {
  expect(readLoad('skerry_agent_invocations_running_total 5\nmy_skerry_agent_invocations_running 6\n')).toEqual({});
});
