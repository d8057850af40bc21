import type { Command } from 'commander';
import type { FunctionLogs } from '../../api/answers.ts';
import { apiCommand, connect, show } from '../../api/api-command.ts';
import { apiPath } from '../../api/client.ts';
import { parseCount } from '../../options/units.ts';
import { inOneLine } from '../../terminal/printable.ts';
import type { Terminal } from '../../terminal/terminal.ts';
import { type FunctionOptions, withModule } from './module-option.ts';

type LogsOptions = FunctionOptions & { limit: number };

/** `skerry fn logs NAME`: shows the last lines that a function wrote, on all connected agents. */
export function logsCommand(terminal: Terminal): Command {
  const command = apiCommand('logs', 'Show the last lines that a function wrote, oldest first.', [
    'skerry fn logs hello',
    'skerry fn logs hello --limit 1000 --json',
  ]);
  return withModule(command)
    .argument('<name>', 'name of the function')
    .option('--limit <n>', 'maximum of lines, up to 1000', parseCount, 100)
    .action(async (name: string, _, logs: Command) => {
      const options = logs.optsWithGlobals<LogsOptions>();
      const client = await connect(terminal, options);
      const path = `${apiPath('fn', options.module, name, 'logs')}?limit=${options.limit}`;
      const data = await client.get<FunctionLogs>(path);
      show(terminal, options, data, () => data.lines.map(describe).join(''));
      if (data.missing.length > 0) terminal.err(`skerry: no answer from ${data.missing.join(', ')}\n`);
    });
}

/** One line of output for each line of a function. */
function describe({ time, agent, source, text }: FunctionLogs['lines'][number]): string {
  return `${time} ${agent} ${source.padEnd(6)} ${inOneLine(text)}\n`;
}
