/** Options of the form `key=value` that a user may repeat. */
import { InvalidArgumentError } from 'commander';

export type Pairs = Readonly<Record<string, string>>;

/** Collector for commander: `.option('--label <k=v>', '…', collectPair)`. A repeated key is a mistake. */
export function collectPair(text: string, collected: Pairs = {}): Pairs {
  const at = text.indexOf('=');
  if (at < 1) throw new InvalidArgumentError('It must have the form key=value.');
  const key = text.slice(0, at);
  if (Object.hasOwn(collected, key)) throw new InvalidArgumentError(`"${key}" is given twice.`);
  return { ...collected, [key]: text.slice(at + 1) };
}

/** Collector for plain values that a user may repeat. */
export function collectValue(text: string, collected: readonly string[] = []): readonly string[] {
  return [...collected, text];
}

/** `a=1,b=2`, or `-` when there are none. */
export function formatPairs(pairs: Pairs): string {
  const text = Object.entries(pairs).map(([key, value]) => `${key}=${value}`);
  return text.length === 0 ? '-' : text.join(',');
}
