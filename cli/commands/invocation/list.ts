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

/** `skerry invocation list`: newest first. @param now milliseconds since the epoch */
export function listInvocationsCommand(terminal: Terminal, now: () => number = Date.now): Command {
  return apiCommand('list', 'List kept invocations, newest first.', [
    'skerry invocation list --function greenhouse/water',
    'skerry invocation list --state dead --since 1d',
    'skerry invocation list --since 2d --until 1d',
  ])
    .option('-f, --function <module/name>', 'of this function only')
    .addOption(new Option('--state <state>', 'in this state only').choices(states))
    .option('--since <time>', 'made within this time, as 30m or 2d', parseDuration)
    .option('--until <time>', 'made before this time ago, as 30m or 2d', parseDuration)
    .option('-n, --limit <n>', 'so many at most', parseCount, 50)
    .option('--cursor <cursor>', 'go on after a page that said "next"')
    .action(async (_, command: Command) => {
      const options = command.optsWithGlobals<ListOptions>();
      const query = new URLSearchParams({ limit: String(options.limit) });
      if (options.function !== undefined) query.set('function', withModule(options.function));
      if (options.state !== undefined) query.set('state', options.state);
      if (options.since !== undefined) query.set('since', new Date(now() - options.since).toISOString());
      if (options.until !== undefined) query.set('until', new Date(now() - options.until).toISOString());
      if (options.cursor !== undefined) query.set('cursor', options.cursor);
      const client = await connect(terminal, options);
      const page = await client.get<InvocationPage>(`${apiPath('invocations')}?${query}`);
      show(terminal, options, page, () => pageText(page));
    });
}

/** A name alone is of the default module. */
function withModule(name: string): string {
  return name.includes('/') ? name : `_/${name}`;
}

function pageText({ invocations, next }: InvocationPage): string {
  if (invocations.length === 0) return 'No invocations\n';
  const rows = invocations.map((one) => [
    one.id,
    `${one.module}/${one.function}`,
    one.state,
    one.origin,
    String(one.attempts),
    one.agent ?? '-',
    one.created_at,
    one.error?.code ?? '',
  ]);
  const text = table(['ID', 'FUNCTION', 'STATE', 'ORIGIN', 'ATTEMPTS', 'AGENT', 'MADE', 'ERROR'], rows);
  return next === null ? text : `${text}More: --cursor ${next}\n`;
}
