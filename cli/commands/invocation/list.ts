import { type Command, Option } from 'commander';
import type { InvocationPage } from '../../api/answers.ts';
import { type ApiOptions, apiCommand, connect, show } from '../../api/api-command.ts';
import { apiPath } from '../../api/client.ts';
import { parseCount, parseDuration } from '../../options/units.ts';
import { table } from '../../terminal/table.ts';
import type { Terminal } from '../../terminal/terminal.ts';

type ListOptions = ApiOptions & {
  function?: string;
  state?: string;
  since?: number;
  until?: number;
  limit: number;
  cursor?: string;
};

const states = ['queued', 'running', 'succeeded', 'dead', 'cancelled'];

/** `skerry invocation list` @param now milliseconds since the epoch */
export function listInvocationsCommand(terminal: Terminal, now: () => number = Date.now): Command {
  return apiCommand('list', 'List recorded invocations, newest first.', [
    'skerry invocation list --function greenhouse/water',
    'skerry invocation list --state dead --since 1d',
    'skerry invocation list --since 2d --until 1d',
  ])
    .option('-f, --function <module/name>', 'only of this function')
    .addOption(new Option('--state <state>', 'only in this state').choices(states))
    .option('--since <time>', 'created within this time, such as 30m or 2d', parseDuration)
    .option('--until <time>', 'created before this time ago, such as 30m or 2d', parseDuration)
    .option('-n, --limit <n>', 'maximum of invocations', parseCount, 50)
    .option('--cursor <cursor>', 'continue after the page that printed this cursor')
    .action(async (_, command: Command) => {
      const options = command.optsWithGlobals<ListOptions>();
      const query = new URLSearchParams({ limit: String(options.limit) });
      if (options.function !== undefined) query.set('function', qualifyName(options.function));
      if (options.state !== undefined) query.set('state', options.state);
      if (options.since !== undefined) query.set('since', new Date(now() - options.since).toISOString());
      if (options.until !== undefined) query.set('until', new Date(now() - options.until).toISOString());
      if (options.cursor !== undefined) query.set('cursor', options.cursor);
      const client = await connect(terminal, options);
      const page = await client.get<InvocationPage>(`${apiPath('invocations')}?${query}`);
      show(terminal, options, page, () => formatPage(page));
    });
}

/** A name without a module is of the default module. */
function qualifyName(name: string): string {
  return name.includes('/') ? name : `_/${name}`;
}

function formatPage({ invocations, next }: InvocationPage): string {
  if (invocations.length === 0) return 'No invocations\n';
  const rows = invocations.map((invocation) => [
    invocation.id,
    `${invocation.module}/${invocation.function}`,
    invocation.state,
    invocation.origin,
    String(invocation.attempts),
    invocation.agent ?? '-',
    invocation.created_at,
    invocation.error?.code ?? '',
  ]);
  const text = table(['ID', 'FUNCTION', 'STATE', 'ORIGIN', 'ATTEMPTS', 'AGENT', 'MADE', 'ERROR'], rows);
  return next === null ? text : `${text}More: --cursor ${next}\n`;
}
