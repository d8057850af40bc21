import type { Command } from 'commander';
import { apiCommand, connect, show } from '../../api/api-command.ts';
import { apiPath } from '../../api/client.ts';
import type { Terminal } from '../../terminal/terminal.ts';
import { type FunctionOptions, withModule } from './module-option.ts';

/** `skerry fn delete NAME`: deletes it on the control plane and on every agent. */
export function deleteFunctionCommand(terminal: Terminal): Command {
  return withModule(
    apiCommand('delete', 'Delete a function from the control plane and all agents.', ['skerry fn delete hello']),
  )
    .argument('<name>', 'name of the function')
    .action(async (name: string, _, command: Command) => {
      const options = command.optsWithGlobals<FunctionOptions>();
      const client = await connect(terminal, options);
      await client.request('DELETE', apiPath('fn', options.module, name));
      show(terminal, options, { deleted: name, module: options.module }, () => `Deleted ${options.module}/${name}\n`);
    });
}
