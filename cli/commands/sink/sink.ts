import { Command } from 'commander';
import type { Terminal } from '../../terminal/terminal.ts';
import { createSinkCommand } from './create.ts';
import { deadLettersCommand } from './dead.ts';
import { deleteSinkCommand } from './delete.ts';
import { listSinksCommand } from './list.ts';
import { replaySinkCommand } from './replay.ts';
import { updateSinkCommand } from './update.ts';

/** `skerry sink`: where the outcomes of functions go. */
export function sinkCommand(terminal: Terminal): Command {
  return new Command('sink')
    .description('Sinks: where the outcomes of functions go.')
    .addCommand(listSinksCommand(terminal))
    .addCommand(createSinkCommand(terminal))
    .addCommand(updateSinkCommand(terminal))
    .addCommand(deleteSinkCommand(terminal))
    .addCommand(deadLettersCommand(terminal))
    .addCommand(replaySinkCommand(terminal));
}
