import type { Command } from 'commander';
import { type ApiOptions, apiCommand, connect, show } from '../../api/api-command.ts';
import { apiPath } from '../../api/client.ts';
import type { Terminal } from '../../terminal/terminal.ts';

/** `skerry secret delete NAME` */
export function deleteSecretCommand(terminal: Terminal): Command {
  return apiCommand('delete', 'Remove a secret that nothing uses.', ['skerry secret delete couch'])
    .argument('<name>', 'name of the secret')
    .action(async (name: string, _, command: Command) => {
      const options = command.optsWithGlobals<ApiOptions>();
      await (await connect(terminal, options)).request('DELETE', apiPath('secrets', name));
      show(terminal, options, { deleted: name }, () => `Deleted secret ${name}\n`);
    });
}
