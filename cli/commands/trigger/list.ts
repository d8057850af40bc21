import type { Command } from 'commander';
import type { TriggerDetails } from '../../api.ts';
import { apiCommand, connect, show } from '../../api-command.ts';
import { apiPath } from '../../client.ts';
import { table } from '../../table.ts';
import type { Terminal } from '../../terminal.ts';
import { type FunctionOptions, withModule } from '../fn/module-option.ts';

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
        triggers.length === 0
          ? 'No triggers\n'
          : table(
              ['ID', 'TYPE', 'WHAT', 'WHERE', 'STATE', 'RUN', 'FAILED', 'DROPPED', 'PENDING'],
              triggers.flatMap(rowsOf),
            ),
      );
    });
}

function rowsOf(trigger: TriggerDetails): string[][] {
  const { id, type, params, places } = trigger;
  const what = type === 'mqtt' ? `${params.topic} at ${params.host}` : `${params.cron} ${params.timezone}`;
  const first = [id, type, what];
  if (places.length === 0) {
    const where = params.placement === 'edge' ? 'no agent' : 'control plane';
    return [
      [...first, where, 'not running', String(trigger.run), String(trigger.failed), String(trigger.dropped), '-'],
    ];
  }
  return places.map(({ agent, state, error, run, failed, dropped, pending }) => [
    ...first,
    agent ?? 'control plane',
    error === undefined ? state : `${state}: ${error}`,
    ...[run, failed, dropped, pending].map(String),
  ]);
}
