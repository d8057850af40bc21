/** Shared by the commands that talk to a control plane: their options, a client, and the two forms of output. */
import { Command } from 'commander';
import { withExamples } from '../terminal/examples.ts';
import { printableJson } from '../terminal/printable.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { type Client, createClient } from './client.ts';
import { type ConnectionOptions, findConnection } from './connection.ts';

/** Options of a command that talks to a control plane, and options of the program itself. */
export type ApiOptions = ConnectionOptions & { json?: boolean };

export function apiCommand(name: string, summary: string, examples: readonly string[]): Command {
  return withExamples(withConnectionOptions(new Command(name).description(summary)), examples);
}

export function withConnectionOptions(command: Command): Command {
  return command
    .option('--server <url>', 'control plane to talk to (SKERRY_SERVER)')
    .option('--token <token>', 'token for it (better: SKERRY_TOKEN, or skerry login)');
}

/** Makes a client for the server and token from the options, the environment or a file. */
export async function connect(terminal: Terminal, options: ApiOptions): Promise<Client> {
  return createClient(await findConnection(terminal, options));
}

/** Writes a result: one JSON value with `--json`, otherwise text for people. */
export function show(terminal: Terminal, options: ApiOptions, value: unknown, text: () => string): void {
  terminal.out(options.json ? `${printableJson(value)}\n` : text());
}
