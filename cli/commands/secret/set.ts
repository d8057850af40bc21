import type { Command } from 'commander';
import { type ApiOptions, apiCommand, connect, show } from '../../api/api-command.ts';
import { apiPath } from '../../api/client.ts';
import { CliFailure } from '../../terminal/failure.ts';
import { readSecretText } from '../../terminal/read-secret.ts';
import type { Terminal } from '../../terminal/terminal.ts';

/** `skerry secret set NAME`: reads the value from the terminal without echo, or from a pipe. */
export function setSecretCommand(terminal: Terminal): Command {
  return apiCommand('set', 'Set a secret. The command asks for the value, or reads it from standard input.', [
    'skerry secret set couch',
    'skerry secret set broker-key < client.key',
  ])
    .argument('<name>', 'letters, digits, "_" and inner "-"')
    .action(async (name: string, _, command: Command) => {
      const options = command.optsWithGlobals<ApiOptions>();
      const client = await connect(terminal, options);
      const value = await readSecretText(terminal, `Value of ${name}: `);
      if (value === '') throw new CliFailure('usage', 'no value was given');
      await client.request('PUT', apiPath('secrets', name), { json: { value } });
      show(terminal, options, { set: name }, () => `Set secret ${name}\n`);
    });
}
