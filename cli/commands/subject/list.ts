import type { Command } from 'commander';
import type { Subject } from '../../api/answers.ts';
import { type ApiOptions, apiCommand, connect, show } from '../../api/api-command.ts';
import { apiPath } from '../../api/client.ts';
import { table } from '../../terminal/table.ts';
import type { Terminal } from '../../terminal/terminal.ts';

/** `skerry subject list`: shows names and roles. Tokens cannot be read back. */
export function listSubjectsCommand(terminal: Terminal): Command {
  return apiCommand('list', 'List subjects and their roles.', ['skerry subject list']).action(
    async (_, command: Command) => {
      const options = command.optsWithGlobals<ApiOptions>();
      const subjects = await (await connect(terminal, options)).get<Subject[]>(apiPath('admin', 'subjects'));
      show(terminal, options, subjects, () =>
        table(
          ['NAME', 'ROLE'],
          subjects.map(({ name, role }) => [name, role]),
        ),
      );
    },
  );
}
