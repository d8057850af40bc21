import { Command } from 'commander';
import type { Terminal } from '../../terminal/terminal.ts';
import { createTriggerCommand } from './create.ts';
import { deleteTriggerCommand } from './delete.ts';
import { listTriggersCommand } from './list.ts';
import { updateTriggerCommand } from './update.ts';

/** `skerry trigger`: what starts functions besides calls. */
export function triggerCommand(terminal: Terminal): Command {
  return new Command('trigger')
    .description('Triggers: MQTT messages and schedules that start functions.')
    .addCommand(listTriggersCommand(terminal))
    .addCommand(createTriggerCommand(terminal))
    .addCommand(updateTriggerCommand(terminal))
    .addCommand(deleteTriggerCommand(terminal));
}
