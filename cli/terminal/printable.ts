/**
 * Makes text safe for a terminal. The text may come from a function, an agent or a server, and its control characters
 * could move the cursor, hide lines or answer in the user's place. All output of a command passes here once.
 */
import type { Terminal } from './terminal.ts';

/** The same terminal, with each control character but line breaks and tabs replaced by U+FFFD. */
export function printable(terminal: Terminal): Terminal {
  return {
    ...terminal,
    out: (text) => terminal.out(text.replaceAll(/[^\P{Cc}\n\t]/gu, '\ufffd')),
    err: (text) => terminal.err(text.replaceAll(/[^\P{Cc}\n\t]/gu, '\ufffd')),
  };
}

/** For text that must not begin a line of its own: replaces every control character. */
export function inOneLine(text: string): string {
  return text.replaceAll(/\p{Cc}/gu, '\ufffd');
}

/** A value as JSON, with those control characters escaped that `JSON.stringify` leaves as they are. */
export function printableJson(value: unknown, indent?: number): string {
  const escaped = (character: string) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  return JSON.stringify(value ?? null, null, indent).replaceAll(/[\x7f-\x9f]/g, escaped);
}
