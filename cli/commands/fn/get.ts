import type { Command } from 'commander';
import type { FunctionDetails } from '../../api/answers.ts';
import { apiCommand, connect, show } from '../../api/api-command.ts';
import { apiPath } from '../../api/client.ts';
import { formatPairs } from '../../options/pairs.ts';
import { formatDuration, formatSize } from '../../options/units.ts';
import { table } from '../../terminal/table.ts';
import type { Terminal } from '../../terminal/terminal.ts';
import { type FunctionOptions, withModule } from './module-option.ts';

/** `skerry fn get NAME`: shows the current revision, and the agents that have it. */
export function getFunctionCommand(terminal: Terminal): Command {
  return withModule(
    apiCommand('get', 'Show a function: revision, limits, and which agents have it.', ['skerry fn get hello']),
  )
    .argument('<name>', 'name of the function')
    .action(async (name: string, _, command: Command) => {
      const options = command.optsWithGlobals<FunctionOptions>();
      const client = await connect(terminal, options);
      const details = await client.get<FunctionDetails>(apiPath('fn', options.module, name));
      show(terminal, options, details, () => describe(details));
    });
}

function describeState({ error, holds, state, reason, retry_in_ms }: FunctionDetails['agents'][number]): string {
  if (error !== undefined) return error;
  if (state === 'held_back') return `held back for ${formatDuration(retry_in_ms ?? 0)}: ${reason}`;
  if (holds === null) return 'not known while it is offline';
  return holds ? 'has it' : 'does not have it yet';
}

function describe(details: FunctionDetails): string {
  const { module, name, revision, digest, size, world, imports, permissions, manifest, agents } = details;
  const { limits, env, instance, placement } = manifest;
  const { asks, granted, ungranted, unused } = permissions;
  const facts = [
    ['function', `${module}/${name}`],
    ['revision', String(revision)],
    ['component', `${formatSize(size)}, sha256:${digest}`],
    ['world', world],
    ['imports', imports.join(', ') || '-'],
    ['asks for', asks.join(', ') || '-'],
    ['granted', granted.join(', ') || '-'],
    ...(ungranted.length > 0 ? [['not granted', `${ungranted.join(', ')}: attempts will be refused`]] : []),
    ...(unused.length > 0 ? [['not needed', `${unused.join(', ')}: it never uses this`]] : []),
    ['limits', `${formatSize(limits.memory_bytes)}, ${formatDuration(limits.timeout_ms)}`],
    ['instance', instance],
    ['environment', Object.keys(env).join(', ') || '-'],
    ['placement', formatPairs(placement.labels)],
  ];
  const rows = agents.map((agent) => [agent.name, agent.online ? 'online' : 'offline', describeState(agent)]);
  const head = facts.map(([fact = '', value = '']) => `${fact.padEnd(12)} ${value}\n`).join('');
  return rows.length === 0
    ? `${head}No agent is assigned to it.\n`
    : `${head}\n${table(['AGENT', 'STATE', 'CODE'], rows)}`;
}
