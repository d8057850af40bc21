const maxReasonCharacters = 500;

/** Makes a reason from a text of the other side: bounded, in one line, without control characters. */
export function reasonOf(text: string): string {
  return text
    .replaceAll(/\p{Cc}+/gu, ' ')
    .trim()
    .slice(0, maxReasonCharacters)
    .toWellFormed();
}
