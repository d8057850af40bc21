import { Command } from 'commander';
import type { Terminal } from '../../terminal/terminal.ts';
import { buildCommand } from './build.ts';
import { deleteFunctionCommand } from './delete.ts';
import { deployCommand } from './deploy.ts';
import { getFunctionCommand } from './get.ts';
import { invokeCommand } from './invoke.ts';
import { listFunctionsCommand } from './list.ts';
import { logsCommand } from './logs.ts';
import { newCommand } from './new.ts';
import { revisionsCommand } from './revisions.ts';
import { rollbackCommand } from './rollback.ts';

/** `skerry fn`: functions. */
export function functionCommand(terminal: Terminal): Command {
  return new Command('fn')
    .description('Functions: write, build, deploy, call, look at, delete.')
    .addCommand(newCommand(terminal))
    .addCommand(buildCommand(terminal))
    .addCommand(deployCommand(terminal))
    .addCommand(invokeCommand(terminal))
    .addCommand(listFunctionsCommand(terminal))
    .addCommand(getFunctionCommand(terminal))
    .addCommand(logsCommand(terminal))
    .addCommand(revisionsCommand(terminal))
    .addCommand(rollbackCommand(terminal))
    .addCommand(deleteFunctionCommand(terminal));
}
