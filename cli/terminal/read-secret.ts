/** Reads a secret: from a terminal without echo, or from a pipe. */
import { text } from 'node:stream/consumers';
import { CliFailure } from './failure.ts';
import type { Terminal } from './terminal.ts';

/** Maximum of a token and of a text, in characters. */
const maxLength = 4096;
const maxTextLength = 65_536;

/** The first line of standard input, trimmed. @throws CliFailure when it is too long or the person gives up */
export async function readSecret({ stdin, err }: Terminal, question: string): Promise<string> {
  const input = stdin.isTTY ? await readHidden({ stdin, err }, question) : await text(stdin);
  if (input.length > maxLength)
    throw new CliFailure('usage', `a token has at most ${maxLength} characters, not ${input.length}`);
  return (input.split('\n', 1)[0] ?? '').trim();
}

/** All of standard input without a line break at its end, for a key of several lines. @throws like `readSecret` */
export async function readSecretText({ stdin, err }: Terminal, question: string): Promise<string> {
  const input = stdin.isTTY ? await readHidden({ stdin, err }, question) : await text(stdin);
  if (input.length > maxTextLength) throw new CliFailure('usage', `a secret has at most ${maxTextLength} characters`);
  return input.replace(/\r?\n$/, '');
}

function readHidden({ stdin, err }: Pick<Terminal, 'stdin' | 'err'>, question: string): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  let typed = '';
  const onData = (chunk: Buffer | string) => {
    for (const character of chunk.toString()) {
      if (character === '\r' || character === '\n' || character === '\u0004') return resolve(typed);
      if (character === '\u0003') return reject(new CliFailure('usage', 'given up'));
      typed = character === '\u007f' ? typed.slice(0, -1) : typed + character;
    }
    if (typed.length > maxLength) resolve(typed);
  };
  err(question);
  stdin.setRawMode?.(true);
  stdin.on('data', onData);
  stdin.resume();
  return promise.finally(() => {
    stdin.off('data', onData);
    stdin.setRawMode?.(false);
    stdin.pause();
    err('\n');
  });
}
