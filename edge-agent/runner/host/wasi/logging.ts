/** wasi:logging: each line of a message becomes a line of the function's log, after its context if it has one. */
import type { CallChannel, LogSource } from '../../protocol/channel.ts';

/** Maximum length of a message and of a context, in characters. A guest may pass as much as its memory holds. */
const messageLength = 65_536;
const contextLength = 256;

/** @param current channel of the call that the instance is running */
export function createLogging(current: () => CallChannel): Record<string, object> {
  return {
    'wasi:logging/logging': {
      log(level: LogSource, context: string, message: string): void {
        const prefix = context === '' ? '' : `${onOneLine(context.slice(0, contextLength))}: `;
        const channel = current();
        const lines = message
          .slice(0, messageLength)
          .replace(/\r?\n$/, '')
          .split(/\r?\n/);
        for (const line of lines) channel.log(level, prefix + line);
      },
    },
  };
}

function onOneLine(text: string): string {
  return text.replaceAll(/[\r\n]+/g, ' ');
}
