import { Command } from 'commander';
import { withExamples } from '../../terminal/examples.ts';
import type { Terminal } from '../../terminal/terminal.ts';
import { addCommands, type CommandLoaders } from '../../tree/load.ts';

const loaders: CommandLoaders = {
  list: async () => (await import('./list.ts')).listSubjectsCommand,
  create: async () => (await import('./create.ts')).createSubjectCommand,
  rotate: async () => (await import('./rotate.ts')).rotateSubjectCommand,
  delete: async () => (await import('./delete.ts')).deleteSubjectCommand,
};

/** `skerry subject`: the users of the API. */
export function subjectCommand(terminal: Terminal, words: readonly string[]): Promise<Command> {
  const command = withExamples(new Command('subject'), ['skerry subject create ada', 'skerry subject list']);
  return addCommands(command, loaders, terminal, words);
}
