import type { Command } from 'commander';
import { type ApiOptions, apiCommand, connect, show } from '../../api/api-command.ts';
import { apiPath } from '../../api/client.ts';
import type { Terminal } from '../../terminal/terminal.ts';

/** `skerry subject delete NAME`: its token stops working. */
export function deleteSubjectCommand(terminal: Terminal): Command {
  return apiCommand('delete', 'Delete a subject; its token stops working.', ['skerry subject delete ada'])
    .argument('<name>', 'name of the subject')
    .action(async (name: string, _, command: Command) => {
      const options = command.optsWithGlobals<ApiOptions>();
      await (await connect(terminal, options)).request('DELETE', apiPath('admin', 'subjects', name));
      show(terminal, options, { deleted: name }, () => `Deleted subject ${name}\n`);
    });
}
