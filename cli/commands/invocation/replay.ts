import type { Command } from 'commander';
import { type ApiOptions, apiCommand, connect, show } from '../../api-command.ts';
import { apiPath } from '../../client.ts';
import type { Terminal } from '../../terminal.ts';

/** `skerry invocation replay ID…`: under their own ids, one after another. */
export function replayInvocationCommand(terminal: Terminal): Command {
  return apiCommand('replay', 'Run dead or cancelled invocations again, with all their attempts.', [
    'skerry invocation replay 01890a5d-ac96-774b-bcce-b302099a8057',
  ])
    .argument('<id...>', 'ids of invocations; see: skerry invocation list --state dead')
    .action(async (ids: string[], _, command: Command) => {
      const options = command.optsWithGlobals<ApiOptions>();
      const client = await connect(terminal, options);
      for (const id of ids) await client.request('POST', apiPath('invocations', id, 'replay'));
      show(terminal, options, { replayed: ids }, () => `${ids.length} of ${ids.length} wait again\n`);
    });
}
