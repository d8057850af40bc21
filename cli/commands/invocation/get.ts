import type { Command } from 'commander';
import type { InvocationDetails } from '../../api/answers.ts';
import { type ApiOptions, apiCommand, connect, show } from '../../api/api-command.ts';
import { apiPath } from '../../api/client.ts';
import { printableJson } from '../../terminal/printable.ts';
import type { Terminal } from '../../terminal/terminal.ts';

/** `skerry invocation get ID`: shows its whole record. */
export function getInvocationCommand(terminal: Terminal): Command {
  return apiCommand('get', 'Show a recorded invocation: its state, its outcome, and the deliveries of it.', [
    'skerry invocation get 01890a5d-ac96-774b-bcce-b302099a8057',
  ])
    .argument('<id>', 'id of the invocation')
    .action(async (id: string, _, command: Command) => {
      const options = command.optsWithGlobals<ApiOptions>();
      const found = await (await connect(terminal, options)).get<InvocationDetails>(apiPath('invocations', id));
      show(terminal, options, found, () => `${printableJson(found, 2)}\n`);
    });
}
