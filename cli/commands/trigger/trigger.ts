import { Command } from 'commander';
import { withExamples } from '../../terminal/examples.ts';
import type { Terminal } from '../../terminal/terminal.ts';
import { addCommands, type CommandLoaders } from '../../tree/load.ts';

const loaders: CommandLoaders = {
  list: async () => (await import('./list.ts')).listTriggersCommand,
  create: async () => (await import('./create.ts')).createTriggerCommand,
  update: async () => (await import('./update.ts')).updateTriggerCommand,
  delete: async () => (await import('./delete.ts')).deleteTriggerCommand,
};

/** `skerry trigger`: MQTT messages and schedules that start functions. */
export function triggerCommand(terminal: Terminal, words: readonly string[]): Promise<Command> {
  const command = withExamples(new Command('trigger'), [
    'skerry trigger create report schedule --set cron="0 7 * * 1-5"',
    'skerry trigger list report',
  ]);
  return addCommands(command, loaders, terminal, words);
}
