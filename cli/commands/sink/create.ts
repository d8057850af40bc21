import { Argument, type Command } from 'commander';
import type { SinkDetails } from '../../api/answers.ts';
import { apiCommand, connect, show } from '../../api/api-command.ts';
import { apiPath } from '../../api/client.ts';
import { readSpec, type SpecOptions, withSpecOptions } from '../../options/spec-options.ts';
import type { Terminal } from '../../terminal/terminal.ts';
import { type FunctionOptions, withModule } from '../fn/module-option.ts';

/** `skerry sink create FUNCTION TYPE` */
export function createSinkCommand(terminal: Terminal): Command {
  const command = apiCommand('create', 'Create a sink; docs/sinks.md has all parameters.', [
    'skerry sink create water couchdb --set url=http://couch:5984 --set database=soil --set create=true',
    'skerry sink create water couchdb --set url=https://couch/soil --set username=w --set password_secret=couch',
    'skerry sink create water http --set url=https://example.org/hook --set token_secret=hook --set envelope=true',
  ]);
  return withSpecOptions(withModule(command))
    .argument('<function>', 'the function whose outcomes it receives')
    .addArgument(new Argument('<type>', 'kind of receiver').choices(['couchdb', 'http', 'mqtt']))
    .action(async (name: string, type: string, _, create: Command) => {
      const options = create.optsWithGlobals<FunctionOptions & SpecOptions>();
      const json = await readSpec(terminal, type, options);
      const client = await connect(terminal, options);
      const { data } = await client.request<SinkDetails>('POST', apiPath('fn', options.module, name, 'sinks'), {
        json,
      });
      show(terminal, options, data, () => `Created ${type} sink ${data.id} of ${options.module}/${name}\n`);
    });
}
