import type { Command } from 'commander';
import { apiCommand, connect, show } from '../../api/api-command.ts';
import { apiPath } from '../../api/client.ts';
import type { Terminal } from '../../terminal/terminal.ts';
import { type FunctionOptions, withModule } from '../fn/module-option.ts';

/** `skerry trigger delete FUNCTION ID` */
export function deleteTriggerCommand(terminal: Terminal): Command {
  return withModule(
    apiCommand('delete', 'Delete a trigger. Events that it has already received still run.', [
      'skerry trigger delete water 01890a5d-ac96-774b-bcce-b302099a8057',
    ]),
  )
    .argument('<function>', 'the function that it starts')
    .argument('<id>', 'as skerry trigger list shows it')
    .action(async (name: string, id: string, _, command: Command) => {
      const options = command.optsWithGlobals<FunctionOptions>();
      await (await connect(terminal, options)).request('DELETE', apiPath('fn', options.module, name, 'triggers', id));
      show(terminal, options, { deleted: id }, () => `Deleted trigger ${id}\n`);
    });
}
