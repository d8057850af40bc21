import type { Command } from 'commander';
import type { TriggerDetails } from '../../api/answers.ts';
import { apiCommand, connect, show } from '../../api/api-command.ts';
import { apiPath } from '../../api/client.ts';
import { table } from '../../terminal/table.ts';
import type { Terminal } from '../../terminal/terminal.ts';
import { type FunctionOptions, withModule } from '../fn/module-option.ts';

const header = [
  ...['ID', 'TYPE', 'WHAT', 'WHERE', 'STATE', 'SINCE', 'PENDING'],
  ...['RECEIVED', 'RUN', 'FAILED', 'DROPPED', 'LAST'],
];

/** `skerry trigger list FUNCTION`: shows a line for each place where a trigger runs. */
export function listTriggersCommand(terminal: Terminal): Command {
  return withModule(
    apiCommand('list', 'List the triggers of a function: places, states and counts.', ['skerry trigger list water']),
  )
    .argument('<function>', 'the function that they start')
    .action(async (name: string, _, command: Command) => {
      const options = command.optsWithGlobals<FunctionOptions>();
      const client = await connect(terminal, options);
      const triggers = await client.get<TriggerDetails[]>(apiPath('fn', options.module, name, 'triggers'));
      show(terminal, options, triggers, () =>
        triggers.length === 0 ? 'No triggers\n' : table(header, triggers.flatMap(toRows)),
      );
    });
}

/** The counts cover all places and times of the trigger, so only its first line has them. */
function toRows(trigger: TriggerDetails): string[][] {
  const { id, type, params, last_message_at: last, received, run, failed, dropped } = trigger;
  const source = type === 'mqtt' ? `${params.topic} at ${formatBroker(params)}` : `${params.cron} ${params.timezone}`;
  const counts = [received, run, failed, dropped].map(String);
  return listPlaces(trigger).map((place, at) => [
    id,
    type,
    source,
    ...place,
    ...(at === 0 ? [...counts, last ?? '-'] : []),
  ]);
}

/** Columns: place, state, since, pending. */
function listPlaces({ params, places, offline }: TriggerDetails): string[][] {
  const rows = [
    ...places.map(({ agent, state, error, since, pending }) => [
      agent ?? 'control plane',
      error === undefined ? state : `${state}: ${error.replaceAll(/\s+/g, ' ')}`,
      since ?? '-',
      String(pending),
    ]),
    ...offline.map(({ agent, since }) => [agent, 'offline', since, '-']),
  ];
  if (rows.length > 0) return rows;
  return [[params.placement === 'edge' ? 'no agent' : 'control plane', 'not running', '-', '-']];
}

/** Includes the port, which the parameters omit when it is the usual one. */
function formatBroker({ host, port, tls }: TriggerDetails['params']): string {
  const name = String(host).includes(':') ? `[${host}]` : host;
  return `${name}:${port ?? (tls ? 8883 : 1883)}`;
}
