/**
 * Readings in, a report out, with an alert in it when the temperature has become high or normal again.
 *
 * Each invocation runs in a fresh instance and remembers nothing, so the message brings what the decision needs: some
 * readings that earlier messages had, and those that are new. The level before the new ones and the level after them
 * are compared; where they differ, that is an alert. The same message always gives the same report, so that running it
 * a second time, after a power cut, does no harm.
 */

/** It is high from here on … */
const high = 80;
/** … and normal again only from here on: a reading that trembles around one threshold gives one alert, not many. */
const normal = 75;

type Level = 'high' | 'normal';

type Message = {
  /** The sensor's own name of this message. */
  readonly id: string;
  readonly sensor: string;
  /** Degrees Celsius, oldest first. */
  readonly readings: readonly number[];
  /** How many of them, at the end, no message before had. */
  readonly fresh: number;
};

export function invoke(input: string): string {
  const message: unknown = JSON.parse(input);
  if (!isMessage(message)) {
    throw 'give me readings: {"id":"a-1","sensor":"boiler","readings":[79.5,81.2],"fresh":1}';
  }
  const { id, sensor, readings, fresh } = message;
  const before = levelAfter(readings.slice(0, -fresh));
  const level = levelAfter(readings);
  const recent = readings.slice(-fresh);
  return JSON.stringify({
    message: id,
    sensor,
    level,
    mean: round(recent.reduce((sum, one) => sum + one, 0) / recent.length),
    highest: Math.max(...recent),
    alert: level === before ? null : { level, text: textOf(level, recent) },
  });
}

/** The level that the readings lead to, one after another; normal when none of them has crossed a threshold. */
function levelAfter(readings: readonly number[]): Level {
  return readings.reduce<Level>((level, one) => (one >= high ? 'high' : one <= normal ? 'normal' : level), 'normal');
}

function textOf(level: Level, recent: readonly number[]): string {
  return level === 'high'
    ? `${Math.max(...recent)} °C, the limit is ${high} °C`
    : `back to ${Math.min(...recent)} °C, below ${normal} °C`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function isMessage(value: unknown): value is Message {
  const { id, sensor, readings, fresh } = (value ?? {}) as Record<keyof Message, unknown>;
  return (
    typeof id === 'string' &&
    typeof sensor === 'string' &&
    Array.isArray(readings) &&
    readings.every((one) => typeof one === 'number') &&
    Number.isInteger(fresh) &&
    (fresh as number) >= 1 &&
    (fresh as number) <= readings.length
  );
}
