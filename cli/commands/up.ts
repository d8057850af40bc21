import { Command, Option } from 'commander';
import { parseCount } from '../options/units.ts';
import { withExamples } from '../terminal/examples.ts';
import { CliFailure } from '../terminal/failure.ts';
import type { Terminal } from '../terminal/terminal.ts';

type UpCommandOptions = {
  port?: number;
  host: string;
  data: string;
  name: string;
  example?: string;
  once?: boolean;
  quickstart?: boolean;
};

/** `skerry up`: a control plane and an agent on this machine, to try things out. */
export function upCommand(terminal: Terminal, setExitCode: (code: number) => void): Command {
  const command = new Command('up')
    .option('--port <port>', 'port of the API (PORT, 4000)', parseCount)
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .option('--data <dir>', 'data directory of both', '.skerry')
    .option('--name <name>', 'name of the agent', 'local')
    .option('--example <file>', 'deploy this component as "hello" and call it')
    .option('--once', 'stop as soon as both are up and the example, if given, has answered')
    .addOption(new Option('--quickstart', 'scripts/quickstart has shown two steps').hideHelp())
    .action(async (options: UpCommandOptions) => {
      const { host, data, name: agentName, example, once = false, quickstart = false } = options;
      const port = options.port ?? readPort(terminal);
      const { runUp } = await import('../up/run.ts');
      setExitCode(await runUp(terminal, { host, port, data, agentName, example, once, quickstart }));
    });
  return withExamples(command, ['skerry up', 'skerry up --port 4100 --data /tmp/skerry']);
}

function readPort({ env: { PORT } }: Terminal): number {
  if (PORT === undefined || PORT === '') return 4000;
  const port = Number(PORT);
  if (Number.isInteger(port) && port >= 1 && port <= 65_535) return port;
  throw new CliFailure('usage', `PORT is "${PORT}", which is not a port`);
}
