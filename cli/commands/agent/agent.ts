import { hostname } from 'node:os';
import { Command } from 'commander';
import { parseServer } from '../../api/connection.ts';
import { collectPair, type Pairs } from '../../options/pairs.ts';
import { withExamples } from '../../terminal/examples.ts';
import { CliFailure } from '../../terminal/failure.ts';
import type { Terminal } from '../../terminal/terminal.ts';
import { addCommands, type CommandLoaders } from '../../tree/load.ts';
import { become } from '../../up/process.ts';

const loaders: CommandLoaders = {
  list: async () => (await import('./list.ts')).listAgentsCommand,
  token: async () => (await import('./token.ts')).tokenCommand,
  revoke: async () => (await import('./revoke.ts')).revokeAgentCommand,
};

type RunOptions = { server?: string; token?: string; data?: string; name?: string; label?: Pairs };

/**
 * `skerry agent`: without a subcommand, this process becomes an agent. Options override the environment
 * (docs/agent.md). The agent gets the join token by environment, where other users of the machine cannot see it.
 * Subcommands manage the agents that the control plane knows.
 */
export function agentCommand(terminal: Terminal): Promise<Command> {
  const command = new Command('agent')
    .enablePositionalOptions()
    .option('--server <url>', 'control plane to connect to (SKERRY_SERVER)')
    .option('--token <token>', 'join token, for the first contact (better: SKERRY_JOIN_TOKEN)')
    .option('--data <dir>', 'where the agent keeps its key and its functions (SKERRY_DATA, .skerry/agent)')
    .option('--name <name>', `name in the list of agents (SKERRY_NAME, ${hostname()})`)
    .option('--label <key=value>', 'label for placement; may be given several times (SKERRY_LABELS)', collectPair)
    .action((options: RunOptions) => {
      const server = options.server ?? terminal.env.SKERRY_SERVER;
      if (server === undefined) throw new CliFailure('usage', 'no control plane given: --server URL, or SKERRY_SERVER');
      for (const [key, value] of Object.entries(options.label ?? {})) {
        if (value.includes(',')) throw new CliFailure('usage', `label ${key}: a value cannot hold a comma`);
      }
      become('@skerry/edge-agent/main.ts', terminal, {
        SKERRY_SERVER: parseServer(server),
        SKERRY_JOIN_TOKEN: options.token,
        SKERRY_DATA: options.data,
        SKERRY_NAME: options.name,
        SKERRY_LABELS:
          options.label &&
          Object.entries(options.label)
            .map(([key, value]) => `${key}=${value}`)
            .join(','),
      });
    });
  withExamples(command, [
    'skerry agent --server https://skerry.example.org --token sj_… --label site=oslo',
    'skerry agent token --uses 10 --expires 1h',
    'skerry agent list',
  ]);
  // Loads all of them: this command has options with values, so the first word need not be a subcommand.
  return addCommands(command, loaders, terminal, []);
}
