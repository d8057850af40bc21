import { Command } from 'commander';
import { withExamples } from '../../terminal/examples.ts';
import type { Terminal } from '../../terminal/terminal.ts';
import { addCommands, type CommandLoaders } from '../../tree/load.ts';

const renameModule = async () => (await import('./rename.ts')).renameModuleCommand;

const loaders: CommandLoaders = {
  list: async () => (await import('./list.ts')).listModulesCommand,
  create: async () => (await import('./create.ts')).createModuleCommand,
  get: async () => (await import('./get.ts')).getModuleCommand,
  rename: renameModule,
  update: renameModule,
  delete: async () => (await import('./delete.ts')).deleteModuleCommand,
};

/** `skerry mod`: modules, the namespaces of functions. */
export function moduleCommand(terminal: Terminal, words: readonly string[]): Promise<Command> {
  const command = withExamples(new Command('mod'), ['skerry mod create greenhouse', 'skerry mod list']);
  return addCommands(command, loaders, terminal, words);
}
