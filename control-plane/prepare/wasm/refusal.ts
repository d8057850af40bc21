/** Words the refusal of an upload: its fault, in one line of bounded length. */
import { SkerryError } from '@skerry/shared/errors.ts';

/** Maximum number of names in one message. A module for another host may import hundreds. */
const maxNames = 20;
/** Maximum length of a tool's message, in characters. */
const maxToolMessage = 300;

/** @param reason for the person who uploaded */
export function rejected(reason: string, cause?: unknown): SkerryError {
  return new SkerryError('component_rejected', reason, cause === undefined ? {} : { cause });
}

/** Lists at most `maxNames` names for a message. */
export function listNames(names: readonly string[]): string {
  if (names.length === 0) return 'nothing';
  const more = names.length - maxNames;
  return names.slice(0, maxNames).join(', ') + (more > 0 ? ` and ${more} more` : '');
}

/** Extracts the essence of an error of jco: its text is a chain of causes, and the last cause says most. */
export function readToolMessage(error: unknown): string {
  const payload = (error as { payload?: unknown } | null)?.payload;
  const text = typeof payload === 'string' ? payload : error instanceof Error ? error.message : String(error);
  const lines = text
    .split('\n')
    .map((line) => line.trim().replace(/^\d+: /, ''))
    .filter((line) => line !== '' && line !== 'Caused by:');
  return (lines.at(-1) ?? 'no reason given').slice(0, maxToolMessage);
}
