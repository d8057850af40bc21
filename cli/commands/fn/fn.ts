import { Command } from 'commander';
import { withExamples } from '../../terminal/examples.ts';
import type { Terminal } from '../../terminal/terminal.ts';
import { addCommands, type CommandLoaders } from '../../tree/load.ts';

const loaders: CommandLoaders = {
  new: async () => (await import('./new.ts')).newCommand,
  build: async () => (await import('./build.ts')).buildCommand,
  deploy: async () => (await import('./deploy.ts')).deployCommand,
  invoke: async () => (await import('./invoke.ts')).invokeCommand,
  list: async () => (await import('./list.ts')).listFunctionsCommand,
  get: async () => (await import('./get.ts')).getFunctionCommand,
  logs: async () => (await import('./logs.ts')).logsCommand,
  revisions: async () => (await import('./revisions.ts')).revisionsCommand,
  rollback: async () => (await import('./rollback.ts')).rollbackCommand,
  delete: async () => (await import('./delete.ts')).deleteFunctionCommand,
};

/** `skerry fn`: functions. */
export function functionCommand(terminal: Terminal, words: readonly string[]): Promise<Command> {
  const command = withExamples(new Command('fn'), [
    'skerry fn new hello --lang ts',
    'skerry fn deploy hello hello.wasm',
    'skerry fn invoke hello -j \'{"name":"Ada"}\'',
  ]);
  return addCommands(command, loaders, terminal, words);
}
