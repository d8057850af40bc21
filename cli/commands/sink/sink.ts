import { Command } from 'commander';
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
  return addCommands(new Command('sink'), loaders, terminal, words);
}
