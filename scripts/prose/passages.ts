/** The prose of one file: comments and messages of code, paragraphs of pages, comments of scripts. */

type Passage = {
  /** One line of text, white space folded. */
  readonly text: string;
  /** Where it begins, from 1. */
  readonly line: number;
};

const token =
  /(?<comment>(?:^[ \t]*\/\/[^\n]*\n?)+|\/\/[^\n]*|\/\*[\s\S]*?\*\/)|(?<text>'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`)|(?<pattern>(?<=[=(:,!&|?{};\n]\s*)\/(?![*/])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n[])+\/)/gm;

/** @param path decides how the text is read, by its ending */
export function readPassages(path: string, source: string): Passage[] {
  if (path.endsWith('.md')) return readPage(source);
  if (/\.(ts|js|mjs|c|h|rs)$/.test(path)) return readCode(source);
  return readScript(source);
}

/** Comments, and the messages in strings: those of three words and more. */
function readCode(source: string): Passage[] {
  const passages: Passage[] = [];
  for (const match of source.matchAll(token)) {
    const { comment, text } = match.groups ?? {};
    const line = lineAt(source, match.index);
    if (comment !== undefined) passages.push(...splitParagraphs(stripComment(comment), line));
    else if (text !== undefined && isMessage(text)) passages.push(...splitParagraphs(text.slice(1, -1), line));
  }
  return passages;
}

function stripComment(comment: string): string {
  return comment
    .replace(/^\s*\/\*+|\*\/$/g, '')
    .split('\n')
    .map((line) => line.replace(/^\s*(\*|\/\/)\s?/, ''))
    .join('\n');
}

function isMessage(text: string): boolean {
  return text.slice(1, -1).trim().split(/\s+/).length >= 3;
}

/** Paragraphs, list entries and table cells; neither headings nor blocks of code. */
function readPage(source: string): Passage[] {
  const withoutCode = source.replace(/^( *)(```|~~~)[\s\S]*?^\1\2.*$/gm, (block) => block.replace(/[^\n]/g, ''));
  const withoutHeadings = withoutCode.replace(/^#+ .*$/gm, '');
  const plain = withoutHeadings.replace(/`[^`\n]*`/g, (code) => (/\s/.test(code) ? '`code`' : code));
  return splitParagraphs(plain, 1);
}

/** Shell, YAML and the like: comments behind `#`, and the lines of messages as they stand. */
function readScript(source: string): Passage[] {
  return splitParagraphs(
    source
      .split('\n')
      .map((line) => line.replace(/^\s*#+!?\s?/, ''))
      .join('\n'),
    1,
  );
}

function splitParagraphs(text: string, firstLine: number): Passage[] {
  const passages: Passage[] = [];
  let lines: string[] = [];
  let start = firstLine;
  const finish = () => {
    const folded = lines.join(' ').replaceAll(/\s+/g, ' ').trim();
    if (folded !== '') passages.push({ text: folded, line: start });
    lines = [];
  };
  for (const [index, line] of text.split('\n').entries()) {
    const beginsAnother = /^\s*(?:[-*|]|\d+\.|@\w+|>)\s*/.exec(line);
    if (line.trim() === '' || beginsAnother) finish();
    if (lines.length === 0) start = firstLine + index;
    if (beginsAnother?.[0].includes('|')) {
      for (const cell of line.split('|')) {
        const folded = cell.trim();
        if (folded !== '') passages.push({ text: folded, line: firstLine + index });
      }
    } else if (line.trim() !== '') lines.push(beginsAnother ? line.slice(beginsAnother[0].length) : line);
  }
  finish();
  return passages;
}

function lineAt(source: string, index: number): number {
  return source.slice(0, index).split('\n').length;
}
