import type { Command } from 'commander';
import { type ApiOptions, apiCommand, connect, show } from '../../api/api-command.ts';
import { apiPath } from '../../api/client.ts';
import { CliFailure } from '../../terminal/failure.ts';
import type { Terminal } from '../../terminal/terminal.ts';

type Refusal = { readonly id: string; readonly message: string };

/**
 * `skerry invocation replay ID…`: replays the invocations one after another, under their own ids. It goes on after a
 * refusal, and stops when the control plane cannot be reached.
 */
export function replayInvocationCommand(terminal: Terminal): Command {
  return apiCommand('replay', 'Run dead or cancelled invocations again, with all their attempts.', [
    'skerry invocation replay 01890a5d-ac96-774b-bcce-b302099a8057',
  ])
    .argument('<id...>', 'ids of invocations; see: skerry invocation list --state dead')
    .action(async (ids: string[], _, command: Command) => {
      const options = command.optsWithGlobals<ApiOptions>();
      const client = await connect(terminal, options);
      const replayed: string[] = [];
      const refused: Refusal[] = [];
      let unreachable: CliFailure | undefined;
      for (const id of ids) {
        try {
          await client.request('POST', apiPath('invocations', id, 'replay'));
          replayed.push(id);
        } catch (error) {
          if (!(error instanceof CliFailure)) throw error;
          if (error.kind === 'unreachable') {
            unreachable = error;
            break;
          }
          refused.push({ id, message: error.message });
        }
      }
      const result = refused.length > 0 ? { replayed, refused } : { replayed };
      show(terminal, options, result, () => `${replayed.length} of ${ids.length} are queued again\n`);
      if (!options.json) for (const { id, message } of refused) terminal.err(`skerry: ${id}: ${message}\n`);
      if (unreachable) throw unreachable;
      if (refused.length > 0) throw new CliFailure('failed', `${refused.length} of ${ids.length} were refused`);
    });
}
