import { Command } from 'commander';
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
  return addCommands(new Command('invocation'), loaders, terminal, words);
}
