/** Describes the triggers or sinks that the control plane refused at a deploy. */
import type { DeployResult } from './deploy.ts';

type Refusals = {
  /** One line for each reason, with the numbers of all entries that it applies to. */
  readonly lines: readonly string[];
  /** The triggers or sinks that the function has now. */
  readonly summary: string;
};

/**
 * @param created whether the function is new. A function that existed takes a list whole or not at all
 * @returns undefined when every entry of the list was taken
 */
export function describeRefusals(
  noun: 'trigger' | 'sink',
  results: DeployResult['events'] = [],
  created: boolean,
): Refusals | undefined {
  const numbers = new Map<string, number[]>();
  for (const [at, { status, message = 'no reason is given' }] of results.entries()) {
    if (status === 'error') numbers.set(message, [...(numbers.get(message) ?? []), at + 1]);
  }
  if (numbers.size === 0) return undefined;
  const taken = results.filter(({ status }) => status === 'success').length;
  return {
    lines: [...numbers].map(([message, which]) => `${noun} ${formatNumbers(which)} refused: ${message}`),
    summary: created ? `it has ${taken} of ${results.length} ${noun}s` : `its ${noun}s have not changed`,
  };
}

/** `1`, `1, 3`, and `1 to 33` for three and more without a gap. */
function formatNumbers(numbers: readonly number[]): string {
  const [first = 0, last = 0] = [numbers[0], numbers.at(-1)];
  const isRange = numbers.length > 2 && last - first === numbers.length - 1;
  return isRange ? `${first} to ${last}` : numbers.join(', ');
}
