import { Command } from 'commander';
import { withExamples } from '../../terminal/examples.ts';
import type { Terminal } from '../../terminal/terminal.ts';
import { addCommands, type CommandLoaders } from '../../tree/load.ts';

const loaders: CommandLoaders = {
  list: async () => (await import('./list.ts')).listSinksCommand,
  create: async () => (await import('./create.ts')).createSinkCommand,
  update: async () => (await import('./update.ts')).updateSinkCommand,
  delete: async () => (await import('./delete.ts')).deleteSinkCommand,
  dead: async () => (await import('./dead.ts')).deadLettersCommand,
  replay: async () => (await import('./replay.ts')).replaySinkCommand,
};

/** `skerry sink`: receivers of the outcomes of functions. */
export function sinkCommand(terminal: Terminal, words: readonly string[]): Promise<Command> {
  const command = withExamples(new Command('sink'), [
    'skerry sink create water http --set url=https://example.org/hook',
    'skerry sink list',
  ]);
  return addCommands(command, loaders, terminal, words);
}
