import { Command } from 'commander';
import { withExamples } from '../../terminal/examples.ts';
import type { Terminal } from '../../terminal/terminal.ts';
import { addCommands, type CommandLoaders } from '../../tree/load.ts';

const loaders: CommandLoaders = {
  list: async () => {
    const { listInvocationsCommand } = await import('./list.ts');
    return (terminal) => listInvocationsCommand(terminal);
  },
  get: async () => (await import('./get.ts')).getInvocationCommand,
  cancel: async () => (await import('./cancel.ts')).cancelInvocationCommand,
  replay: async () => (await import('./replay.ts')).replayInvocationCommand,
};

/** `skerry invocation`: the invocations that the control plane records. */
export function invocationCommand(terminal: Terminal, words: readonly string[]): Promise<Command> {
  const command = withExamples(new Command('invocation'), [
    'skerry invocation list --state dead --since 1d',
    'skerry invocation get 01890a5d-ac96-774b-bcce-b302099a8057',
  ]);
  return addCommands(command, loaders, terminal, words);
}
