import type { Command } from 'commander';
import type { Deployed } from '../../api.ts';
import { apiCommand, connect, show } from '../../api-command.ts';
import { apiPath } from '../../client.ts';
import { describePermissions } from '../../permissions.ts';
import type { Terminal } from '../../terminal.ts';
import { parseCount } from '../../units.ts';
import { type FunctionOptions, withModule } from './module-option.ts';

/** `skerry fn rollback NAME REVISION` */
export function rollbackCommand(terminal: Terminal): Command {
  return withModule(apiCommand('rollback', 'Go back to an earlier revision.', ['skerry fn rollback hello 3']))
    .argument('<name>', 'name of the function')
    .argument('<revision>', 'number of the revision', parseCount)
    .action(async (name: string, revision: number, _, command: Command) => {
      const options = command.optsWithGlobals<FunctionOptions>();
      const client = await connect(terminal, options);
      const path = apiPath('fn', options.module, name, 'rollback');
      const { data } = await client.request<Deployed>('POST', path, { json: { revision } });
      show(
        terminal,
        options,
        data,
        () => `${options.module}/${name} is at revision ${data.revision}\n${describePermissions(data.permissions)}`,
      );
    });
}
