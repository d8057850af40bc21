import { expect, test } from 'vitest';
import { invoke } from './handler.ts';

/** Levels of the alerts that a series of readings gives, sent two by two with up to six that were sent before. */
function alertsOf(readings: readonly number[]): string[] {
  const levels: string[] = [];
  for (let end = 2; end <= readings.length; end += 2) {
    const message = { id: `a-${end}`, sensor: 'boiler', readings: readings.slice(Math.max(0, end - 8), end), fresh: 2 };
    const { alert } = JSON.parse(invoke(JSON.stringify(message)));
    if (alert) levels.push(alert.level);
  }
  return levels;
}

test.each([
  ['cool all the time', [60, 62, 61, 63], []],
  ['hot from the first message on', [81, 82, 83, 84], ['high']],
  ['up and down again', [70, 78, 81, 85, 79, 76, 74, 70], ['high', 'normal']],
  ['trembling around the limit', [79, 81, 79, 80.5, 78, 81, 79, 82], ['high']],
  ['never above the limit', [74, 79, 76, 79.9, 74, 79, 75, 76], []],
])('alerts: %s', (_, readings, expected) => {
  expect(alertsOf(readings)).toEqual(expected);
});

test('the report: what is new, and the alert for a person', () => {
  const message = { id: 'a-1', sensor: 'boiler', readings: [99, 70, 78.5, 81.2], fresh: 2 };
  expect(JSON.parse(invoke(JSON.stringify(message)))).toEqual({
    message: 'a-1',
    sensor: 'boiler',
    level: 'high',
    mean: 79.9,
    highest: 81.2,
    alert: { level: 'high', text: '81.2 °C, the limit is 80 °C' },
  });
});

test.each(['{}', 'null', '7', '{"id":"a","sensor":"b","readings":[1],"fresh":2}'])('refuses %s', (input) => {
  expect(() => invoke(input)).toThrow(/give me readings/);
});
