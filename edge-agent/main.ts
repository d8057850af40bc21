/**
 * The agent as a process: environment in, exit code out. 0 after SIGTERM or SIGINT, 1 when it cannot start or does not
 * end, 2 for faults in the configuration, `stopExitCode` when the control plane turned it away and an operator has to
 * act.
 */
import './heap.ts';
import { settledWithin, systemClock } from '@skerry/shared/clock.ts';
import { ConfigError } from '@skerry/shared/config-error.ts';
import { stopExitCode } from '@skerry/shared/tunnel/close.ts';
import { pino } from 'pino';
import { createServer } from './capabilities/http/node-http.ts';
import { readConfig } from './config.ts';
import { type Agent, createAgent } from './context.ts';

/** Milliseconds to close everything after the drain time; then the process exits without waiting. */
const closeMs = 15_000;

async function main(): Promise<void> {
  const config = readConfig(process.env);
  const log = pino({ level: config.logLevel, base: null });
  let exitCode = 0;

  const agent = createAgent(config, log, {
    onRefused(reason) {
      log.fatal({ reason }, 'the control plane turned this agent away; an operator has to act');
      void shutDown(stopExitCode);
    },
  });
  const closeMetrics =
    config.metricsPort === undefined ? undefined : await serveMetrics(agent, config.metricsPort, log);

  const shutDown = async (code: number) => {
    exitCode ||= code;
    closeMetrics?.();
    const stopped = agent.stop();
    if (!(await settledWithin(systemClock, config.drainMs + closeMs, stopped))) {
      log.fatal('the agent did not end in time');
      process.exit(exitCode || 1);
    }
    const left = await stopped;
    if (left > 0) log.warn({ invocations: left }, 'stopped with invocations still running');
    process.exit(exitCode);
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      log.info({ signal }, 'stopping');
      void shutDown(0);
    });
  }
  agent.start();
}

type Log = { info(fields: object, message: string): void };

/** /metrics on 127.0.0.1, for a Prometheus on the device. */
function serveMetrics(agent: Agent, port: number, log: Log): Promise<() => void> {
  const server = createServer((request, response) => {
    if (request.url !== '/metrics') return void response.writeHead(404).end();
    agent.metrics.text().then(
      (text) => response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4' }).end(text),
      () => response.writeHead(500).end(),
    );
  });
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => {
      log.info({ address: server.address() }, 'metrics');
      resolve(() => server.close());
    });
  });
}

main().catch((error: unknown) => {
  const faults = error instanceof ConfigError ? error.faults : [error instanceof Error ? error.message : String(error)];
  for (const fault of faults) process.stderr.write(`skerry agent: ${fault}\n`);
  process.exit(error instanceof ConfigError ? 2 : 1);
});
