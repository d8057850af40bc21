import type { Command } from 'commander';
import type { SecretSummary } from '../../api/answers.ts';
import { type ApiOptions, apiCommand, connect, show } from '../../api/api-command.ts';
import { apiPath } from '../../api/client.ts';
import { table } from '../../terminal/table.ts';
import type { Terminal } from '../../terminal/terminal.ts';

/** `skerry secret list`: shows only names. Values cannot be read back. */
export function listSecretsCommand(terminal: Terminal): Command {
  return apiCommand('list', 'List the names of the secrets.', ['skerry secret list']).action(
    async (_, command: Command) => {
      const options = command.optsWithGlobals<ApiOptions>();
      const secrets = await (await connect(terminal, options)).get<SecretSummary[]>(apiPath('secrets'));
      show(terminal, options, secrets, () =>
        table(
          ['NAME', 'UPDATED'],
          secrets.map(({ name, updated_at }) => [name, updated_at]),
        ),
      );
    },
  );
}
