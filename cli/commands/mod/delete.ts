import type { Command } from 'commander';
import { type ApiOptions, apiCommand, connect, show } from '../../api/api-command.ts';
import { apiPath } from '../../api/client.ts';
import type { Terminal } from '../../terminal/terminal.ts';

/** `skerry mod delete NAME`: deletes its functions, too. */
export function deleteModuleCommand(terminal: Terminal): Command {
  return apiCommand('delete', 'Delete a module and all its functions.', ['skerry mod delete greenhouse'])
    .argument('<name>', 'name of the module')
    .action(async (name: string, _, command: Command) => {
      const options = command.optsWithGlobals<ApiOptions>();
      await (await connect(terminal, options)).request('DELETE', apiPath('fn', name));
      show(terminal, options, { deleted: name }, () => `Deleted module ${name}\n`);
    });
}
