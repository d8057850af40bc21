/** How a refused upload is worded: what is wrong with it, in one line of bounded length. */
import { SkerryError } from '@skerry/shared/errors.ts';

/** Names in one message; a foreign module may import hundreds. */
const namesShown = 20;
/** Characters of a tool's message. */
const toolMessageLength = 300;

/** A refusal; `reason` goes to the person who uploaded. */
export function rejected(reason: string, cause?: unknown): SkerryError {
  return new SkerryError('component_rejected', reason, cause === undefined ? {} : { cause });
}

/** Names for a message, a bounded number of them. */
export function listed(names: readonly string[]): string {
  if (names.length === 0) return 'nothing';
  const more = names.length - namesShown;
  return names.slice(0, namesShown).join(', ') + (more > 0 ? ` and ${more} more` : '');
}

/** The gist of what jco says about a file: its errors carry a chain of causes, of which the last says most. */
export function toolMessage(error: unknown): string {
  const payload = (error as { payload?: unknown } | null)?.payload;
  const text = typeof payload === 'string' ? payload : error instanceof Error ? error.message : String(error);
  const lines = text
    .split('\n')
    .map((line) => line.trim().replace(/^\d+: /, ''))
    .filter((line) => line !== '' && line !== 'Caused by:');
  return (lines.at(-1) ?? 'no reason given').slice(0, toolMessageLength);
}
