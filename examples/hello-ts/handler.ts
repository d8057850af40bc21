import { mean } from './mean.ts';

/** Takes readings of a sensor, gives their mean and the reading farthest from it. */
export function invoke(input: string): string {
  const { readings }: { readings?: unknown } = JSON.parse(input) ?? {};
  if (!isReadings(readings)) throw 'give me readings: {"readings":[20.5,21]}';
  const middle = mean(readings);
  const farthest = readings.reduce((worst, one) => (Math.abs(one - middle) > Math.abs(worst - middle) ? one : worst));
  return JSON.stringify({ mean: middle, farthest });
}

function isReadings(value: unknown): value is number[] {
  return Array.isArray(value) && value.length > 0 && value.every((one) => typeof one === 'number');
}
