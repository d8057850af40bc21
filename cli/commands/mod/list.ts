import type { Command } from 'commander';
import type { ModuleSummary } from '../../api/answers.ts';
import { type ApiOptions, apiCommand, connect, show } from '../../api/api-command.ts';
import { apiPath } from '../../api/client.ts';
import type { Terminal } from '../../terminal/terminal.ts';

/** `skerry mod list` */
export function listModulesCommand(terminal: Terminal): Command {
  return apiCommand('list', 'List all modules.', ['skerry mod list']).action(async (_, command: Command) => {
    const options = command.optsWithGlobals<ApiOptions>();
    const modules = await (await connect(terminal, options)).get<ModuleSummary[]>(apiPath('fn'));
    const names = modules.map(({ name }) => name).sort();
    show(terminal, options, modules, () => names.map((name) => `${name}\n`).join(''));
  });
}
