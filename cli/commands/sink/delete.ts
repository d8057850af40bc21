import type { Command } from 'commander';
import { apiCommand, connect, show } from '../../api/api-command.ts';
import { apiPath } from '../../api/client.ts';
import type { Terminal } from '../../terminal/terminal.ts';
import { type FunctionOptions, withModule } from '../fn/module-option.ts';

/** `skerry sink delete FUNCTION ID` */
export function deleteSinkCommand(terminal: Terminal): Command {
  return withModule(
    apiCommand('delete', 'Delete a sink, and the deliveries that wait for it.', [
      'skerry sink delete water 01890a5d-ac96-774b-bcce-b302099a8057',
    ]),
  )
    .argument('<function>', 'the function whose outcomes it receives')
    .argument('<id>', 'as skerry sink list shows it')
    .action(async (name: string, id: string, _, command: Command) => {
      const options = command.optsWithGlobals<FunctionOptions>();
      await (await connect(terminal, options)).request('DELETE', apiPath('fn', options.module, name, 'sinks', id));
      show(terminal, options, { deleted: id }, () => `Deleted sink ${id}\n`);
    });
}
