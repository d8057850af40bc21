import { Command } from 'commander';
import type { Terminal } from '../../terminal/terminal.ts';
import { cancelInvocationCommand } from './cancel.ts';
import { getInvocationCommand } from './get.ts';
import { listInvocationsCommand } from './list.ts';
import { replayInvocationCommand } from './replay.ts';

/** `skerry invocation`: what is kept of invocations that nobody waited for. */
export function invocationCommand(terminal: Terminal): Command {
  return new Command('invocation')
    .description('Kept invocations: asynchronous ones, those of triggers, those with a sink.')
    .addCommand(listInvocationsCommand(terminal))
    .addCommand(getInvocationCommand(terminal))
    .addCommand(cancelInvocationCommand(terminal))
    .addCommand(replayInvocationCommand(terminal));
}
