import type { Command } from 'commander';
import { type ApiOptions, apiCommand, connect, show } from '../../api/api-command.ts';
import { apiPath } from '../../api/client.ts';
import type { Terminal } from '../../terminal/terminal.ts';

/** `skerry agent revoke NAME`: closes its tunnel within a second, and refuses its key from then on. */
export function revokeAgentCommand(terminal: Terminal): Command {
  return apiCommand('revoke', 'Revoke an agent for good, and close its tunnel.', ['skerry agent revoke pi-7'])
    .argument('<agent>', 'name or id of the agent')
    .action(async (agent: string, _, command: Command) => {
      const options = command.optsWithGlobals<ApiOptions>();
      await (await connect(terminal, options)).request('DELETE', apiPath('agents', agent));
      show(terminal, options, { revoked: agent }, () => `Revoked agent ${agent}\n`);
    });
}
