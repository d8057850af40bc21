/**
 * The control plane as a process. Exit codes: 0 after SIGTERM or SIGINT, 1 when it cannot start, 2 when a setting is
 * wrong. Each fault at the start is one line on stderr. The log goes to stdout.
 */
import { ConfigError } from '@skerry/shared/config-error.ts';
import { type Environment, readConfig } from './config/config.ts';
import { type ControlPlane, createControlPlane } from './context.ts';
import { createLog } from './log/log.ts';

/** Runs until the signal aborts, and returns the exit code. */
async function run(environment: Environment, signal: AbortSignal): Promise<number> {
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
    console.error(`skerry control-plane: ${describeError(error)}`);
    return 1;
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

/** One line: the message, and the message of what caused it. */
function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause instanceof Error ? describeCause(error.cause) : '';
  return [error.message, cause]
    .filter((part) => part !== '')
    .join(': ')
    .replaceAll(/\s*\n\s*/g, ' ')
    .slice(0, 500);
}

/** An error of many addresses has no message of its own. */
function describeCause(cause: Error): string {
  return cause instanceof AggregateError ? describeError(cause.errors[0]) : cause.message;
}

/** Runs until SIGTERM or SIGINT, then ends this process with the exit code. */
export async function runProcess(): Promise<never> {
  const stop = new AbortController();
  for (const name of ['SIGTERM', 'SIGINT'] as const) process.on(name, () => stop.abort());
  process.exit(await run(process.env, stop.signal));
}

// True in a release, where this file is the program. From the sources, main.ts is.
if (import.meta.main) await runProcess();
