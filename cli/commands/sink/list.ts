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

/** `skerry sink list [FUNCTION]`: shows the state of deliveries. A sink that fails has a further line with the reason. */
export function listSinksCommand(terminal: Terminal): Command {
  const command = apiCommand('list', 'List sinks: state of their deliveries, and failures.', [
    'skerry sink list',
    'skerry sink list water -m greenhouse',
  ]);
  return withModule(command)
    .argument('[function]', 'only sinks of this function')
    .action(async (name: string | undefined, _, list: Command) => {
      const options = list.optsWithGlobals<ListOptions>();
      const query = name === undefined ? '' : `?function=${encodeURIComponent(`${options.module}/${name}`)}`;
      const sinks = await (await connect(terminal, options)).get<SinkState[]>(`${apiPath('sinks')}${query}`);
      show(terminal, options, sinks, () => table(header, sinks.map(toRow)) + sinks.flatMap(describeFailure).join(''));
    });
}

function toRow(sink: SinkState): string[] {
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

function describeFailure({ id, error, next_try_at: nextTry }: SinkState): string[] {
  if (error === null) return [];
  return [`${id}: ${error}${nextTry === null ? '' : `; next try at ${nextTry}`}\n`];
}
