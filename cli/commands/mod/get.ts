import type { Command } from 'commander';
import type { ModuleDetails } from '../../api/answers.ts';
import { type ApiOptions, apiCommand, connect, show } from '../../api/api-command.ts';
import { apiPath } from '../../api/client.ts';
import type { Terminal } from '../../terminal/terminal.ts';

/** `skerry mod get NAME`: shows the functions of a module. */
export function getModuleCommand(terminal: Terminal): Command {
  return apiCommand('get', 'Show a module and the names of its functions.', ['skerry mod get greenhouse'])
    .argument('<name>', 'name of the module')
    .action(async (name: string, _, command: Command) => {
      const options = command.optsWithGlobals<ApiOptions>();
      const details = await (await connect(terminal, options)).get<ModuleDetails>(apiPath('fn', name));
      const functions = details.functions.map(({ name }) => `  ${name}\n`).sort();
      show(terminal, options, details, () => `${details.name}: ${functions.length} functions\n${functions.join('')}`);
    });
}
