import type { Command } from 'commander';
import type { AgentSummary } from '../../api/answers.ts';
import { type ApiOptions, apiCommand, connect, show } from '../../api/api-command.ts';
import { apiPath } from '../../api/client.ts';
import { formatPairs } from '../../options/pairs.ts';
import { formatSize } from '../../options/units.ts';
import { table } from '../../terminal/table.ts';
import type { Terminal } from '../../terminal/terminal.ts';

/** `skerry agent list` */
export function listAgentsCommand(terminal: Terminal): Command {
  return apiCommand('list', 'List agents: state, load, and applied changes.', ['skerry agent list']).action(
    async (_, command: Command) => {
      const options = command.optsWithGlobals<ApiOptions>();
      const agents = await (await connect(terminal, options)).get<AgentSummary[]>(apiPath('agents'));
      show(terminal, options, agents, () =>
        table(['NAME', 'STATE', 'FREE MEMORY', 'RUNNING', 'APPLIED', 'OUTBOX', 'VERSION', 'LABELS'], agents.map(toRow)),
      );
    },
  );
}

function toRow(agent: AgentSummary): string[] {
  const { desired, applied } = agent.generation;
  return [
    agent.name,
    agent.draining ? 'draining' : agent.online ? 'online' : 'offline',
    agent.memory_available_bytes === null ? '-' : formatSize(agent.memory_available_bytes),
    agent.running === null ? '-' : String(agent.running),
    desired === null ? '-' : applied >= desired ? 'all' : `${applied} of ${desired}`,
    agent.outbox ? String(agent.outbox.events + agent.outbox.outcomes) : '-',
    agent.version,
    formatPairs(agent.labels),
  ];
}
