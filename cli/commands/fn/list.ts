import type { Command } from 'commander';
import type { FunctionSummary, ModuleDetails } from '../../api/answers.ts';
import { type ApiOptions, apiCommand, connect, show } from '../../api/api-command.ts';
import { apiPath } from '../../api/client.ts';
import { table } from '../../terminal/table.ts';
import type { Terminal } from '../../terminal/terminal.ts';

/** `skerry fn list [-m MODULE]`: lists the functions of one module, or of all. */
export function listFunctionsCommand(terminal: Terminal): Command {
  return apiCommand('list', 'List functions, of all modules or of one.', ['skerry fn list', 'skerry fn list -m _'])
    .option('-m, --module <name>', 'only this module')
    .action(async (_, command: Command) => {
      const options = command.optsWithGlobals<ApiOptions & { module?: string }>();
      const client = await connect(terminal, options);
      // An unknown module is an error, not an empty list.
      if (options.module !== undefined) await client.get<ModuleDetails>(apiPath('fn', options.module));
      const all = await client.get<FunctionSummary[]>(apiPath('functions'));
      const functions = all.filter(({ module }) => options.module === undefined || module === options.module);
      show(terminal, options, functions, () =>
        table(
          ['MODULE', 'FUNCTION', 'REVISION', 'WORLD'],
          functions.map(({ module, name, revision, world }) => [module, name, String(revision), world]),
        ),
      );
    });
}
