import type { Command } from 'commander';
import type { DeadLetter } from '../../api/answers.ts';
import { type ApiOptions, apiCommand, connect, show } from '../../api/api-command.ts';
import { apiPath } from '../../api/client.ts';
import { parseCount } from '../../options/units.ts';
import { table } from '../../terminal/table.ts';
import type { Terminal } from '../../terminal/terminal.ts';

type DeadOptions = ApiOptions & { limit: number; cursor?: string };

/** `skerry sink dead ID`: lists the outcomes that the sink refused for good, with the reasons. */
export function deadLettersCommand(terminal: Terminal): Command {
  return apiCommand('dead', 'List the dead letters of a sink, oldest first, with the reasons.', [
    'skerry sink dead 01a1…',
  ])
    .argument('<sink>', 'id of the sink; see: skerry sink list')
    .option('--limit <n>', 'maximum of dead letters', parseCount, 100)
    .option('--cursor <cursor>', 'continue after the page that printed this cursor')
    .action(async (sink: string, _, command: Command) => {
      const options = command.optsWithGlobals<DeadOptions>();
      const query = new URLSearchParams({ limit: String(options.limit) });
      if (options.cursor !== undefined) query.set('cursor', options.cursor);
      const client = await connect(terminal, options);
      const page = await client.get<{ dead: DeadLetter[]; cursor: string | null }>(
        `${apiPath('sinks', sink, 'dead')}?${query}`,
      );
      show(terminal, options, page, () => table(['INVOCATION', 'ATTEMPTS', 'SINCE', 'ERROR'], page.dead.map(toRow)));
      if (page.cursor !== null && !options.json) terminal.err(`There are more: --cursor ${page.cursor}\n`);
    });
}

function toRow({ invocation, attempts, created_at: since, error }: DeadLetter): string[] {
  return [invocation, String(attempts), since, error ?? '-'];
}
