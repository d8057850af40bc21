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

/** `skerry trigger list FUNCTION`: one line for each place where a trigger runs. */
export function listTriggersCommand(terminal: Terminal): Command {
  return withModule(
    apiCommand('list', 'List the triggers of a function: where they run, how they are.', ['skerry trigger list water']),
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

/** The counts are the trigger's own, of all places and times: they stand in its first line. */
function toRows(trigger: TriggerDetails): string[][] {
  const { id, type, params, last_message_at: last, received, run, failed, dropped } = trigger;
  const what = type === 'mqtt' ? `${params.topic} at ${brokerOf(params)}` : `${params.cron} ${params.timezone}`;
  const counts = [received, run, failed, dropped].map(String);
  return placesOf(trigger).map((place, at) => [
    id,
    type,
    what,
    ...place,
    ...(at === 0 ? [...counts, last ?? '-'] : []),
  ]);
}

/** Where, state, since, pending. */
function placesOf({ params, places, offline }: TriggerDetails): string[][] {
  const known = [
    ...places.map(({ agent, state, error, since, pending }) => [
      agent ?? 'control plane',
      error === undefined ? state : `${state}: ${error.replaceAll(/\s+/g, ' ')}`,
      since ?? '-',
      String(pending),
    ]),
    ...offline.map(({ agent, since }) => [agent, 'offline', since, '-']),
  ];
  if (known.length > 0) return known;
  return [[params.placement === 'edge' ? 'no agent' : 'control plane', 'not running', '-', '-']];
}

/** With the port that is dialed: the parameters are without it where it is the usual one. */
function brokerOf({ host, port, tls }: TriggerDetails['params']): string {
  const name = String(host).includes(':') ? `[${host}]` : host;
  return `${name}:${port ?? (tls ? 8883 : 1883)}`;
}
