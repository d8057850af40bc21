const maxReasonCharacters = 500;

/** A reason out of what the other side said: bounded, in one line, without control characters. */
export function reasonOf(text: string): string {
  return text
    .replaceAll(/\p{Cc}+/gu, ' ')
    .trim()
    .slice(0, maxReasonCharacters)
    .toWellFormed();
}
