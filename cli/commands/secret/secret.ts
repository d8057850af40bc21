import { Command } from 'commander';
import type { Terminal } from '../../terminal/terminal.ts';
import { deleteSecretCommand } from './delete.ts';
import { listSecretsCommand } from './list.ts';
import { setSecretCommand } from './set.ts';

/** `skerry secret`: credentials that triggers and sinks name. */
export function secretCommand(terminal: Terminal): Command {
  return new Command('secret')
    .description('Secrets: credentials that triggers and sinks name. Setting them needs the role admin.')
    .addCommand(listSecretsCommand(terminal))
    .addCommand(setSecretCommand(terminal))
    .addCommand(deleteSecretCommand(terminal));
}
