import type { Command } from 'commander';
import type { ModuleSummary } from '../../api/answers.ts';
import { type ApiOptions, apiCommand, connect, show } from '../../api/api-command.ts';
import { apiPath } from '../../api/client.ts';
import type { Terminal } from '../../terminal/terminal.ts';

/** `skerry mod rename NAME NEW-NAME`; FunLess calls it `update`. */
export function renameModuleCommand(terminal: Terminal): Command {
  return apiCommand('rename', 'Rename a module; its functions keep running.', ['skerry mod rename greenhouse garden'])
    .alias('update')
    .argument('<name>', 'current name')
    .argument('<new-name>', 'new name')
    .action(async (name: string, newName: string, _, command: Command) => {
      const options = command.optsWithGlobals<ApiOptions>();
      const client = await connect(terminal, options);
      const json = { module: { name: newName } };
      const { data } = await client.request<ModuleSummary>('PUT', apiPath('fn', name), { json });
      show(terminal, options, data, () => `Renamed module ${name} to ${data.name}\n`);
    });
}
