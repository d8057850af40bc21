import type { Command } from 'commander';
import type { SinkDetails } from '../../api/answers.ts';
import { apiCommand, connect, show } from '../../api/api-command.ts';
import { apiPath } from '../../api/client.ts';
import { type SpecOptions, withSpecOptions } from '../../options/spec-options.ts';
import { changedSpec } from '../../options/spec-update.ts';
import type { Terminal } from '../../terminal/terminal.ts';
import { type FunctionOptions, withModule } from '../fn/module-option.ts';

/** `skerry sink update FUNCTION ID`: other parameters stay, except credentials, which must be given again. */
export function updateSinkCommand(terminal: Terminal): Command {
  const command = apiCommand('update', 'Change parameters of a sink; docs/sinks.md has all of them.', [
    'skerry sink update water 01890a5d-ac96-774b-bcce-b302099a8057 --set envelope=true',
    'skerry sink update water 01890a5d-ac96-774b-bcce-b302099a8057 --set url=https://couch/soil --file sink.json',
  ]);
  return withSpecOptions(withModule(command))
    .argument('<function>', 'the function whose outcomes it receives')
    .argument('<id>', 'as skerry sink list shows it')
    .action(async (name: string, id: string, _, update: Command) => {
      const options = update.optsWithGlobals<FunctionOptions & SpecOptions>();
      const client = await connect(terminal, options);
      const path = apiPath('fn', options.module, name, 'sinks', id);
      const json = await changedSpec(terminal, await client.get<SinkDetails>(path), options);
      const { data } = await client.request<SinkDetails>('PUT', path, { json });
      show(terminal, options, data, () => `Updated sink ${id} of ${options.module}/${name}\n`);
    });
}
