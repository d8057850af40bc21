import { Command } from 'commander';
import { withExamples } from '../terminal/examples.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { become } from '../up/process.ts';

type ControlPlaneOptions = { port?: string; host?: string; data?: string; databaseUrl?: string };

/** `skerry control-plane`: this process becomes the control plane. Options override the environment. */
export function controlPlaneCommand(terminal: Terminal): Command {
  const command = new Command('control-plane')
    .option('--port <port>', 'port to listen on (PORT, 4000)')
    .option('--host <address>', 'address to listen on (SKERRY_HOST, 127.0.0.1)')
    .option('--data <dir>', 'data directory (SKERRY_DATA, .skerry/control-plane)')
    .option('--database-url <url>', 'Postgres to use instead of the built-in database (better: DATABASE_URL)')
    .action((options: ControlPlaneOptions) => {
      // SKERRY_SERVER is for commands. The control plane itself does not know the name.
      const { SKERRY_SERVER: _, ...env } = terminal.env;
      become(
        '@skerry/control-plane/main.ts',
        { ...terminal, env },
        {
          PORT: options.port,
          SKERRY_HOST: options.host,
          SKERRY_DATA: options.data,
          DATABASE_URL: options.databaseUrl,
        },
      );
    });
  return withExamples(command, [
    'skerry control-plane --data /var/lib/skerry',
    'DATABASE_URL=postgres://skerry@db/skerry skerry control-plane --host 0.0.0.0',
  ]);
}
