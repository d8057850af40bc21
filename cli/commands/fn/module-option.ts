import { defaultModule } from '@skerry/shared/function/name-form.ts';
import { type Command, Option } from 'commander';
import type { ApiOptions } from '../../api/api-command.ts';

/** Options of the commands on one function. */
export type FunctionOptions = ApiOptions & { module: string };

/** Adds `-m`, with the default module as FunLess has it. */
export function withModule(command: Command): Command {
  return command.addOption(new Option('-m, --module <name>', 'module of the function').default(defaultModule));
}
