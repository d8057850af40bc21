import type { Command } from 'commander';
import type { ModuleSummary } from '../../api/answers.ts';
import { type ApiOptions, apiCommand, connect, show } from '../../api/api-command.ts';
import { apiPath } from '../../api/client.ts';
import type { Terminal } from '../../terminal/terminal.ts';

/** `skerry mod create NAME` */
export function createModuleCommand(terminal: Terminal): Command {
  return apiCommand('create', 'Create a module.', ['skerry mod create greenhouse'])
    .argument('<name>', 'letters, digits, "_" and inner "-"')
    .action(async (name: string, _, command: Command) => {
      const options = command.optsWithGlobals<ApiOptions>();
      const client = await connect(terminal, options);
      const { data } = await client.request<ModuleSummary>('POST', apiPath('fn'), { json: { module: { name } } });
      show(terminal, options, data, () => `Created module ${data.name}\n`);
    });
}
