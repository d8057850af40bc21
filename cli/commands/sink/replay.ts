import type { Command } from 'commander';
import { type ApiOptions, apiCommand, connect, show } from '../../api/api-command.ts';
import { apiPath } from '../../api/client.ts';
import { CliFailure } from '../../terminal/failure.ts';
import type { Terminal } from '../../terminal/terminal.ts';

/** `skerry sink replay ID [INVOCATION…]`: queues dead letters again, in their old order. */
export function replaySinkCommand(terminal: Terminal): Command {
  return apiCommand('replay', 'Deliver dead letters of a sink again: all of them, or those of single invocations.', [
    'skerry sink replay 01a1…',
    'skerry sink replay 01a1… 01b2… 01c3…',
  ])
    .argument('<sink>', 'id of the sink; see: skerry sink list')
    .argument('[invocation...]', 'ids of invocations; none: all')
    .action(async (sink: string, invocations: string[], _, command: Command) => {
      const options = command.optsWithGlobals<ApiOptions>();
      const { data } = await (await connect(terminal, options)).request<{ replayed: number }>(
        'POST',
        apiPath('sinks', sink, 'replay'),
        { json: invocations.length === 0 ? {} : { invocations } },
      );
      const wanted = new Set(invocations).size;
      const counted = wanted === 0 ? data.replayed : `${data.replayed} of ${wanted}`;
      show(terminal, options, data, () => `${counted} are queued again\n`);
      if (data.replayed < wanted) {
        throw new CliFailure('failed', 'the others are not dead letters of this sink; see: skerry sink dead');
      }
    });
}
