import type { Command } from 'commander';
import { type ApiOptions, apiCommand, connect, show } from '../../api/api-command.ts';
import { apiPath } from '../../api/client.ts';
import type { Terminal } from '../../terminal/terminal.ts';

/** `skerry invocation cancel ID` */
export function cancelInvocationCommand(terminal: Terminal): Command {
  return apiCommand('cancel', 'Cancel an invocation that waits or runs.', [
    'skerry invocation cancel 01890a5d-ac96-774b-bcce-b302099a8057',
  ])
    .argument('<id>', 'id of the invocation')
    .action(async (id: string, _, command: Command) => {
      const options = command.optsWithGlobals<ApiOptions>();
      await (await connect(terminal, options)).request('DELETE', apiPath('invocations', id));
      show(terminal, options, { cancelled: id }, () => `Cancelled ${id}\n`);
    });
}
