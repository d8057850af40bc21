/**
 * The control plane as a process. Exit codes: 0 after SIGTERM or SIGINT, 1 when it cannot start, 2 when a setting is
 * wrong. Faults at the start are reported in one line each on stderr; the log goes to stdout.
 */
import { ConfigError } from '@skerry/shared/config-error.ts';
import { type Environment, readConfig } from './config/config.ts';
import { type ControlPlane, createControlPlane } from './context.ts';
import { createLog } from './log/log.ts';

/** Runs until the signal aborts, and returns the exit code. */
export async function run(environment: Environment, signal: AbortSignal): Promise<number> {
  let controlPlane: ControlPlane | undefined;
  try {
    const config = readConfig(environment);
    const log = createLog(config.logLevel);
    controlPlane = await createControlPlane(config, { log });
    const { port } = await controlPlane.listen();
    log.info({ port, url: `http://${config.host}:${port}` }, 'listening');
    await aborted(signal);
    log.info({ withinMs: config.drainMs }, 'draining');
    await controlPlane.close();
    log.info('stopped');
    return 0;
  } catch (error) {
    await controlPlane?.close().catch(() => undefined);
    if (error instanceof ConfigError) {
      for (const fault of error.faults) console.error(`skerry control-plane: ${fault}`);
      return 2;
    }
    console.error(`skerry control-plane: ${reasonOf(error)}`);
    return 1;
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

/** One line: the message, and the message of its cause. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause instanceof Error ? causeOf(error.cause) : '';
  return [error.message, cause]
    .filter((part) => part !== '')
    .join(': ')
    .replaceAll(/\s*\n\s*/g, ' ')
    .slice(0, 500);
}

/** An AggregateError has no message of its own. */
function causeOf(cause: Error): string {
  return cause instanceof AggregateError ? reasonOf(cause.errors[0]) : cause.message;
}

if (import.meta.main) {
  const stop = new AbortController();
  for (const name of ['SIGTERM', 'SIGINT'] as const) process.on(name, () => stop.abort());
  process.exitCode = await run(process.env, stop.signal);
  process.exit();
}
