import { resolve } from 'node:path';
import { namePattern } from '@skerry/shared/function/name-form.ts';
import { Command, Option } from 'commander';
import { show } from '../../api/api-command.ts';
import { languages, type NewWorld, newWorlds, writeProject } from '../../build/new-project.ts';
import type { Language } from '../../build/project.ts';
import { withExamples } from '../../terminal/examples.ts';
import { CliFailure } from '../../terminal/failure.ts';
import type { Terminal } from '../../terminal/terminal.ts';

type NewOptions = { lang: Language; world: NewWorld; json?: boolean };

/** `skerry fn new NAME`: writes a directory with a function that builds and deploys unchanged. */
export function newCommand(terminal: Terminal): Command {
  const command = new Command('new')
    .description('Write a new function: source, README, manifest, types.')
    .argument('<name>', 'name of the function, and of the directory')
    .addOption(new Option('--lang <language>', 'language').choices([...languages]).default('js'))
    .addOption(
      new Option('--world <world>', 'handler: JSON in, JSON out; http: answers HTTP requests')
        .choices([...newWorlds])
        .default('handler'),
    )
    .action(async (name: string, _, create: Command) => {
      const options = create.optsWithGlobals<NewOptions>();
      if (!namePattern.test(name)) {
        throw new CliFailure('usage', 'a name has 1 to 63 letters, digits, "_" or inner "-"');
      }
      const { lang: language, world } = options;
      const directory = resolve(terminal.cwd, name);
      const files = await writeProject({ name, language, world, directory });
      show(terminal, options, { directory, language, world, files }, () =>
        [
          `Wrote ${name}/: ${files.join(', ')}`,
          'Next:',
          `  cd ${name}`,
          '  skerry fn build',
          `  skerry fn deploy ${name} ${name}.wasm --manifest manifest.json`,
          '',
        ].join('\n'),
      );
    });
  return withExamples(command, ['skerry fn new hello --lang ts', 'skerry fn new site --lang js --world http']);
}
