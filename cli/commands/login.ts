import { Command } from 'commander';
import { type ApiOptions, show, withConnectionOptions } from '../api/api-command.ts';
import { apiPath, createClient } from '../api/client.ts';
import { defaultServer, parseServer } from '../api/connection.ts';
import { loginFilePath, writeLogin } from '../api/login-file.ts';
import { withExamples } from '../terminal/examples.ts';
import { CliFailure } from '../terminal/failure.ts';
import { readSecret } from '../terminal/read-secret.ts';
import type { Terminal } from '../terminal/terminal.ts';

/** `skerry login`: checks a token with its server, then keeps both for later commands. */
export function loginCommand(terminal: Terminal): Command {
  const command = withConnectionOptions(new Command('login')).action(async (_, command: Command) => {
    const options = command.optsWithGlobals<ApiOptions>();
    const server = parseServer(options.server ?? terminal.env.SKERRY_SERVER ?? defaultServer);
    const option = options.token === '-' ? undefined : (options.token ?? terminal.env.SKERRY_TOKEN);
    const token = option ?? (await readSecret(terminal, `Token for ${server}: `));
    if (token === '') throw new CliFailure('usage', 'no token was given');

    await createClient({ server, token }).get(apiPath('fn'));
    const path = loginFilePath(terminal);
    await writeLogin(path, { server, token });
    show(terminal, options, { server, file: path }, () => `Logged in to ${server}; the login is in ${path}\n`);
  });
  return withExamples(command, [
    'skerry login --server https://skerry.example.org      # asks for the token',
    'skerry login --server 127.0.0.1:4000 --token - < .skerry/control-plane/admin-token',
  ]);
}
