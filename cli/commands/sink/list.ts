import type { Command } from 'commander';
import type { SinkState } from '../../api/answers.ts';
import { type ApiOptions, apiCommand, connect, show } from '../../api/api-command.ts';
import { apiPath } from '../../api/client.ts';
import { formatDuration } from '../../options/units.ts';
import { table } from '../../terminal/table.ts';
import type { Terminal } from '../../terminal/terminal.ts';
import { withModule } from '../fn/module-option.ts';

type ListOptions = ApiOptions & { module: string };

const header = ['FUNCTION', 'TYPE', 'STATE', 'WAITING', 'LAG', 'DEAD', 'DELIVERED', 'LEADS TO', 'ID'];

/** `skerry sink list [FUNCTION]`: how deliveries stand; a sink that fails has a line of its own that says why. */
export function listSinksCommand(terminal: Terminal): Command {
  const command = apiCommand('list', 'List sinks: how far deliveries are, and what fails.', [
    'skerry sink list',
    'skerry sink list water -m greenhouse',
  ]);
  return withModule(command)
    .argument('[function]', 'only those of this function')
    .action(async (name: string | undefined, _, list: Command) => {
      const options = list.optsWithGlobals<ListOptions>();
      const query = name === undefined ? '' : `?function=${encodeURIComponent(`${options.module}/${name}`)}`;
      const sinks = await (await connect(terminal, options)).get<SinkState[]>(`${apiPath('sinks')}${query}`);
      show(terminal, options, sinks, () => table(header, sinks.map(rowOf)) + sinks.flatMap(failureOf).join(''));
    });
}

function rowOf(sink: SinkState): string[] {
  return [
    `${sink.module}/${sink.function}`,
    sink.type,
    sink.state,
    String(sink.waiting),
    sink.waiting === 0 ? '-' : formatDuration(sink.lag_seconds * 1_000),
    String(sink.dead),
    String(sink.delivered),
    sink.url,
    sink.id,
  ];
}

function failureOf({ id, error, next_try_at: nextTry }: SinkState): string[] {
  if (error === null) return [];
  return [`${id}: ${error}${nextTry === null ? '' : `; next try at ${nextTry}`}\n`];
}
