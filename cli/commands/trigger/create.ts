import { Argument, type Command } from 'commander';
import type { TriggerDetails } from '../../api/answers.ts';
import { apiCommand, connect, show } from '../../api/api-command.ts';
import { apiPath } from '../../api/client.ts';
import { readSpec, type SpecOptions, withSpecOptions } from '../../options/spec-options.ts';
import type { Terminal } from '../../terminal/terminal.ts';
import { type FunctionOptions, withModule } from '../fn/module-option.ts';

type CreateOptions = FunctionOptions & SpecOptions & { edge?: boolean };

/** `skerry trigger create FUNCTION TYPE` */
export function createTriggerCommand(terminal: Terminal): Command {
  const command = apiCommand('create', 'Create a trigger; docs/triggers.md has all parameters.', [
    'skerry trigger create water mqtt --edge --set host=127.0.0.1 --set topic=soil/+/moisture',
    'skerry trigger create report schedule --set cron="0 7 * * 1-5" --set timezone=Europe/Rome',
    'skerry trigger create water mqtt --set host=b.example.org --set tls=true --set username=w --set password_secret=mq',
  ]);
  return withSpecOptions(withModule(command))
    .argument('<function>', 'the function that it starts')
    .addArgument(new Argument('<type>', 'kind of source').choices(['mqtt', 'schedule']))
    .option('--edge', 'each agent that holds the function listens by itself, also while it is offline')
    .action(async (name: string, type: string, _, create: Command) => {
      const options = create.optsWithGlobals<CreateOptions>();
      const { params } = await readSpec(terminal, type, options);
      const json = { type, params: options.edge ? { ...params, placement: 'edge' } : params };
      const client = await connect(terminal, options);
      const { data } = await client.request<TriggerDetails>('POST', apiPath('fn', options.module, name, 'triggers'), {
        json,
      });
      show(terminal, options, data, () => `Created ${type} trigger ${data.id} of ${options.module}/${name}\n`);
    });
}
