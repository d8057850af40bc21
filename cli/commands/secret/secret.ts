import { Command } from 'commander';
import { withExamples } from '../../terminal/examples.ts';
import type { Terminal } from '../../terminal/terminal.ts';
import { addCommands, type CommandLoaders } from '../../tree/load.ts';

const loaders: CommandLoaders = {
  list: async () => (await import('./list.ts')).listSecretsCommand,
  set: async () => (await import('./set.ts')).setSecretCommand,
  delete: async () => (await import('./delete.ts')).deleteSecretCommand,
};

/** `skerry secret`: credentials that triggers and sinks name. */
export function secretCommand(terminal: Terminal, words: readonly string[]): Promise<Command> {
  const command = withExamples(new Command('secret'), ['skerry secret set couch', 'skerry secret list']);
  return addCommands(command, loaders, terminal, words);
}
