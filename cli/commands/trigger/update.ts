import type { Command } from 'commander';
import type { TriggerDetails } from '../../api/answers.ts';
import { apiCommand, connect, show } from '../../api/api-command.ts';
import { apiPath } from '../../api/client.ts';
import { type SpecOptions, withSpecOptions } from '../../options/spec-options.ts';
import { changedSpec } from '../../options/spec-update.ts';
import type { Terminal } from '../../terminal/terminal.ts';
import { type FunctionOptions, withModule } from '../fn/module-option.ts';

/** `skerry trigger update FUNCTION ID`: other parameters stay, except credentials, which must be given again. */
export function updateTriggerCommand(terminal: Terminal): Command {
  const command = apiCommand('update', 'Change parameters of a trigger; docs/triggers.md has all of them.', [
    'skerry trigger update water 01890a5d-ac96-774b-bcce-b302099a8057 --set qos=2 --set concurrency=4',
  ]);
  return withSpecOptions(withModule(command))
    .argument('<function>', 'the function that it starts')
    .argument('<id>', 'as skerry trigger list shows it')
    .action(async (name: string, id: string, _, update: Command) => {
      const options = update.optsWithGlobals<FunctionOptions & SpecOptions>();
      const client = await connect(terminal, options);
      const path = apiPath('fn', options.module, name, 'triggers', id);
      const json = await changedSpec(terminal, await client.get<TriggerDetails>(path), options);
      const { data } = await client.request<TriggerDetails>('PUT', path, { json });
      show(terminal, options, data, () => `Updated trigger ${id} of ${options.module}/${name}\n`);
    });
}
