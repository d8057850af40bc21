import { Command } from 'commander';
import type { Terminal } from '../../terminal/terminal.ts';
import { createModuleCommand } from './create.ts';
import { deleteModuleCommand } from './delete.ts';
import { getModuleCommand } from './get.ts';
import { listModulesCommand } from './list.ts';
import { renameModuleCommand } from './rename.ts';

/** `skerry mod`: modules, the namespaces of functions. */
export function moduleCommand(terminal: Terminal): Command {
  return new Command('mod')
    .description('Modules: namespaces of functions. The default one is "_".')
    .addCommand(listModulesCommand(terminal))
    .addCommand(createModuleCommand(terminal))
    .addCommand(getModuleCommand(terminal))
    .addCommand(renameModuleCommand(terminal))
    .addCommand(deleteModuleCommand(terminal));
}
