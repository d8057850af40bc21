import type { Command } from 'commander';
import type { SubjectToken } from '../../api/answers.ts';
import { type ApiOptions, apiCommand, connect, show } from '../../api/api-command.ts';
import { apiPath } from '../../api/client.ts';
import type { Terminal } from '../../terminal/terminal.ts';

/** `skerry subject rotate NAME`: prints a new token. The old one stops working. */
export function rotateSubjectCommand(terminal: Terminal): Command {
  return apiCommand('rotate', 'Give a subject a new token and print it; the old one stops working.', [
    'skerry subject rotate ada',
  ])
    .argument('<name>', 'name of the subject')
    .action(async (name: string, _, command: Command) => {
      const options = command.optsWithGlobals<ApiOptions>();
      const client = await connect(terminal, options);
      const { data } = await client.request<SubjectToken>('POST', apiPath('admin', 'subjects', name, 'rotate'));
      show(terminal, options, data, () => `${data.token}\n`);
    });
}
