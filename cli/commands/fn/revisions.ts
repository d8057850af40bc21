import type { Command } from 'commander';
import type { RevisionSummary } from '../../api/answers.ts';
import { apiCommand, connect, show } from '../../api/api-command.ts';
import { apiPath } from '../../api/client.ts';
import { formatSize } from '../../options/units.ts';
import { table } from '../../terminal/table.ts';
import type { Terminal } from '../../terminal/terminal.ts';
import { type FunctionOptions, withModule } from './module-option.ts';

/** `skerry fn revisions NAME` */
export function revisionsCommand(terminal: Terminal): Command {
  return withModule(apiCommand('revisions', 'List the revisions of a function.', ['skerry fn revisions hello']))
    .argument('<name>', 'name of the function')
    .action(async (name: string, _, command: Command) => {
      const options = command.optsWithGlobals<FunctionOptions>();
      const client = await connect(terminal, options);
      const revisions = await client.get<RevisionSummary[]>(apiPath('fn', options.module, name, 'revisions'));
      show(terminal, options, revisions, () =>
        table(
          ['REVISION', 'CREATED', 'SIZE', 'COMPONENT', ''],
          revisions.map(({ revision, created_at, size, digest, current }) => [
            String(revision),
            created_at,
            formatSize(size),
            digest.slice(0, 12),
            current ? 'current' : '',
          ]),
        ),
      );
    });
}
