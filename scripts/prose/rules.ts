/**
 * The rules of prose of CONTRIBUTING.md that a program can check: words that make a reader stop, and sentences without
 * a noun to begin with.
 */

type ProseRule = {
  readonly pattern: RegExp;
  /** What to write in its place. */
  readonly advice: string;
};

const proseRules: readonly ProseRule[] = [
  { pattern: /\bshall\b/i, advice: 'say "must", "can" or use the present tense' },
  { pattern: /\b(who|what|which)(so)?ever\b/i, advice: 'name who or what it is, or say "any" or "each"' },
  { pattern: /(?<!\/)\b(nobody|somebody)\b/i, advice: 'name the part: "no caller", "a client"' },
  { pattern: /\banew\b/i, advice: 'say "again"' },
  { pattern: /\bat one time\b/i, advice: 'say "at once" or "concurrently"' },
  { pattern: /\bso (many|much)\b/i, advice: 'name the number: "at most `count` calls"' },
  { pattern: /\b(is|are|was|were|be|been) told\b/i, advice: 'say who learns it, or "is reported"' },
  { pattern: /\bfor ever\b/i, advice: 'say "forever" or "without an end"' },
  { pattern: /\bminded\b/i, advice: 'say "respected" or "considered"' },
  {
    pattern: /(?:^|[.:;!?)]\s+)(?:What|Who|One that|Those that|Whose)\b(?![^.;!]*\?)/,
    advice: 'begin with a noun: "The bytes that …" in place of "What …"',
  },
  { pattern: /(?:^|[.!?]\s+)(?:Of (?:one|those|what|these)|That which)\b/, advice: 'begin with the subject' },
];

/** @returns the faults of one piece of text, such as a comment, a message or a paragraph */
export function checkProse(text: string): { readonly words: string; readonly advice: string }[] {
  return proseRules.flatMap(({ pattern, advice }) => {
    const [words] = pattern.exec(text) ?? [];
    return words === undefined ? [] : [{ words: words.trim().replace(/^[.:;!?)]\s+/, ''), advice }];
  });
}
