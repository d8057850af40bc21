import type { Command } from 'commander';
import { type ApiOptions, apiCommand, connect, show } from '../../api/api-command.ts';
import { apiPath } from '../../api/client.ts';
import { CliFailure } from '../../terminal/failure.ts';
import type { Terminal } from '../../terminal/terminal.ts';

/** `skerry sink replay ID [INVOCATION…]`: dead letters wait again, in their old places. */
export function replaySinkCommand(terminal: Terminal): Command {
  return apiCommand('replay', 'Deliver again what a sink did not take: all of it, or single invocations.', [
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
      const asked = new Set(invocations).size;
      const counted = asked === 0 ? data.replayed : `${data.replayed} of ${asked}`;
      show(terminal, options, data, () => `${counted} wait again\n`);
      if (data.replayed < asked) {
        throw new CliFailure('failed', 'the others are no dead letters of this sink; see: skerry sink dead');
      }
    });
}
