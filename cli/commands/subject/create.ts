import { type Command, Option } from 'commander';
import type { SubjectToken } from '../../api/answers.ts';
import { type ApiOptions, apiCommand, connect, show } from '../../api/api-command.ts';
import { apiPath } from '../../api/client.ts';
import type { Terminal } from '../../terminal/terminal.ts';

/** `skerry subject create NAME [--role]`: prints only the token on standard output, and never again. */
export function createSubjectCommand(terminal: Terminal): Command {
  return apiCommand('create', 'Create a subject and print its token, which is shown only this once.', [
    'skerry subject create ada',
    'skerry subject create ops --role admin > ops.token',
  ])
    .argument('<name>', 'letters, digits, "_" and inner "-"')
    .addOption(new Option('--role <role>', 'what it may do').choices(['user', 'admin']).default('user'))
    .action(async (name: string, _, command: Command) => {
      const options = command.optsWithGlobals<ApiOptions & { role: string }>();
      const client = await connect(terminal, options);
      const json = { subject: { name, role: options.role } };
      const { data } = await client.request<SubjectToken>('POST', apiPath('admin', 'subjects'), { json });
      show(terminal, options, data, () => `${data.token}\n`);
    });
}
