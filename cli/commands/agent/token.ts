import type { Command } from 'commander';
import type { JoinToken } from '../../api/answers.ts';
import { type ApiOptions, apiCommand, connect, show } from '../../api/api-command.ts';
import { apiPath } from '../../api/client.ts';
import { collectPair, type Pairs } from '../../options/pairs.ts';
import { parseCount, parseDuration } from '../../options/units.ts';
import type { Terminal } from '../../terminal/terminal.ts';

type TokenOptions = ApiOptions & { uses: number; expires: number; label?: Pairs };

/** `skerry agent token`: prints only the join token on standard output. Everything else goes to standard error. */
export function tokenCommand(terminal: Terminal): Command {
  return apiCommand('token', 'Make a join token, which lets new agents in, and print it.', [
    'skerry agent token',
    'skerry agent token --uses 50 --expires 1d --label site=oslo > join-token',
  ])
    .option('--uses <n>', 'how many agents may join with it', parseCount, 1)
    .option('--expires <time>', 'how long it is valid, such as 30m or 7d', parseDuration, 3_600_000)
    .option('--label <key=value>', 'label of these agents; may be given several times', collectPair)
    .action(async (_, command: Command) => {
      const options = command.optsWithGlobals<TokenOptions>();
      const client = await connect(terminal, options);
      const { data } = await client.request<JoinToken>('POST', apiPath('agents', 'tokens'), {
        json: {
          uses: options.uses,
          expires_in_seconds: Math.max(1, Math.round(options.expires / 1000)),
          ...(options.label ? { labels: options.label } : {}),
        },
      });
      show(terminal, options, data, () => `${data.token}\n`);
      if (!options.json) {
        // This line does not have the token, because terminals and logs are likely to keep it.
        terminal.err(`On the device: SKERRY_JOIN_TOKEN=<this token> skerry agent --server ${client.server}\n`);
      }
    });
}
