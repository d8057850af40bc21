/**
 * Text that may be a stranger's (a function's, an agent's, a server's) on its way to the terminal: control characters
 * would move the cursor, hide lines or answer in the user's place. Everything that the command prints passes here once.
 */
import type { Terminal } from './terminal.ts';

/** The same terminal, to which no control character gets but line breaks and tabs; others become U+FFFD. */
export function printable(terminal: Terminal): Terminal {
  return {
    ...terminal,
    out: (text) => terminal.out(text.replaceAll(/[^\P{Cc}\n\t]/gu, '\ufffd')),
    err: (text) => terminal.err(text.replaceAll(/[^\P{Cc}\n\t]/gu, '\ufffd')),
  };
}

/** For what must not begin a line of its own: no control character at all. */
export function inOneLine(text: string): string {
  return text.replaceAll(/\p{Cc}/gu, '\ufffd');
}

/** A value as JSON, with the control characters escaped that JSON leaves as they are. */
export function printableJson(value: unknown, indent?: number): string {
  const escaped = (character: string) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  return JSON.stringify(value ?? null, null, indent).replaceAll(/[\x7f-\x9f]/g, escaped);
}
