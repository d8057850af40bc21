import type { Command } from 'commander';
import type { Deployed } from '../../api/answers.ts';
import { apiCommand, connect, show } from '../../api/api-command.ts';
import { apiPath } from '../../api/client.ts';
import { describePermissions } from '../../deploy/permissions.ts';
import { parseCount } from '../../options/units.ts';
import type { Terminal } from '../../terminal/terminal.ts';
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
