/** What a deploy says of the triggers or sinks that the control plane did not take. */
import type { DeployResult } from './deploy.ts';

export type Refusals = {
  /** One for each reason, however many of the list it is the reason of. */
  readonly lines: readonly string[];
  /** What the function has now. */
  readonly summary: string;
};

/**
 * Undefined when all of the list were taken.
 *
 * @param created whether the function is new: of one that was there, a list is taken whole or not at all
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
    lines: [...numbers].map(([message, which]) => `${noun} ${listed(which)} refused: ${message}`),
    summary: created ? `it has ${taken} of ${results.length} ${noun}s` : `its ${noun}s are as they were`,
  };
}

/** `1`, `1, 3`, and `1 to 33` where none is missing. */
function listed(numbers: readonly number[]): string {
  const [first = 0, last = 0] = [numbers[0], numbers.at(-1)];
  const isRange = numbers.length > 2 && last - first === numbers.length - 1;
  return isRange ? `${first} to ${last}` : numbers.join(', ');
}
