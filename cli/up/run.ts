/**
 * Runs `skerry up`: starts both processes, may deploy and call an example, then waits for a signal or for the end of a
 * process.
 *
 * Invariant: no child outlives it. The first signal ends the agent, then the control plane, each with time to finish.
 * A second signal kills both.
 */
import { join, relative, resolve } from 'node:path';
import { makeDirectory } from '../api/directory.ts';
import { formatDuration } from '../options/units.ts';
import { CliFailure, exitCodes } from '../terminal/failure.ts';
import { printableJson } from '../terminal/printable.ts';
import type { Terminal } from '../terminal/terminal.ts';
import type { Child, ChildExit } from './child.ts';
import { callExample, deployExample, exampleCurl, exampleName } from './example.ts';
import { type Place, serverUrl, startAgent, startControlPlane } from './platform.ts';
import { requireFreePort } from './port.ts';
import { createProgress } from './progress.ts';
import { ChildEnded } from './until.ts';

type UpOptions = Place & {
  /** Component to deploy and call. Undefined starts only the platform. */
  readonly example: string | undefined;
  /** End when the platform is up and the example, if there is one, has answered. */
  readonly once: boolean;
  /** scripts/quickstart has started it, and has shown two steps. Its clone has `scripts/skerry`. */
  readonly quickstart: boolean;
};

const stopGraceMs = 15_000;

/** @returns the exit code @throws CliFailure */
export async function runUp(terminal: Terminal, options: UpOptions): Promise<number> {
  const place = { ...options, data: resolve(terminal.cwd, options.data) };
  await requireFreePort(place.port, place.host);
  await requireDirectory(place.data);

  const interruption = new AbortController();
  const children: Child[] = [];
  const started = (child: Child) => {
    children.push(child);
    // The signal came while this child was being started.
    if (interruption.signal.aborted) child.kill();
  };
  const endListening = terminal.onSignal(() => {
    if (interruption.signal.aborted) for (const child of children) child.kill();
    interruption.abort();
  });
  try {
    const up = bringUp(terminal, { ...options, ...place }, interruption.signal, started);
    // A request that hangs must not delay the end.
    await Promise.race([up, aborted(interruption.signal)]);
    if (options.once || interruption.signal.aborted) return exitCodes.ok;
    return await stay(children, interruption.signal);
  } catch (error) {
    if (interruption.signal.aborted) return exitCodes.ok;
    if (!(error instanceof ChildEnded)) throw error;
    throw await endedFailure(error.child);
  } finally {
    for (const child of children.toReversed()) await child.stop(stopGraceMs);
    endListening();
  }
}

async function bringUp(
  terminal: Terminal,
  options: UpOptions,
  signal: AbortSignal,
  started: (child: Child) => void,
): Promise<void> {
  const { example, agentName } = options;
  const stepsBefore = options.quickstart ? 2 : 0;
  const { step } = createProgress(terminal, stepsBefore, stepsBefore + (example === undefined ? 2 : 4));
  const tokenFile = relative(terminal.cwd, join(options.data, 'control-plane', 'admin-token'));
  const server = serverUrl(options);

  const client = await step('Starting the control plane (its database is made on the first start)', () =>
    startControlPlane(terminal, options, signal, started),
  );
  await step(`Starting agent "${agentName}" and enrolling it`, () =>
    startAgent(terminal, options, client, signal, started),
  );
  if (example !== undefined) {
    await step('Deploying the example to the agent', () => deployExample(terminal, client, example));
    const first = await step('Calling it over HTTP', () => callExample(client));
    const second = await callExample(client);
    terminal.err(`\n${exampleCurl(server, tokenFile)}\n\n`);
    terminal.out(`${printableJson(first.answer)}\n`);
    terminal.err(
      `\nAnswered by agent "${first.agent}" in ${formatDuration(first.durationMs)}; ` +
        `the next call took ${formatDuration(second.durationMs)}.\n`,
    );
  }
  terminal.err(addresses(server, tokenFile, relative(terminal.cwd, join(options.data, 'logs'))));
  if (options.once) return;
  const command = options.quickstart ? 'scripts/skerry' : 'skerry';
  terminal.err(example === undefined ? thingsWithout(command) : thingsWith(command));
  terminal.err('\nRunning; Ctrl-C ends it.\n');
}

function addresses(server: string, tokenFile: string, logs: string): string {
  return `
API       ${server}/v1            (admin token: ${tokenFile})
API docs  ${server}/docs
Metrics   ${server}/metrics
Logs      ${logs}/
`;
}

const thingsWith = (command: string) => `
To try next, in a second terminal:
  ${command} fn invoke ${exampleName} -j '{"name":"Grace"}'    # call it from the command line
  ${command} fn get ${exampleName}                             # see its limits, and which agents have it
  ${command} agent token                              # let a device of yours join
`;

const thingsWithout = (command: string) => `
To try next, in a second terminal:
  ${command} fn deploy NAME FILE.wasm    # deploy a function
  ${command} agent list                  # see the agent
  ${command} agent token                 # let a device of yours join
`;

/** Waits for a signal, and resolves with the exit code. @throws ChildEnded */
async function stay(children: readonly Child[], signal: AbortSignal): Promise<number> {
  const ended = await Promise.race([aborted(signal), ...children.map((child) => child.exited.then(() => child))]);
  if (ended === 'aborted') return exitCodes.ok;
  throw new ChildEnded(ended);
}

function aborted(signal: AbortSignal): Promise<'aborted'> {
  return new Promise((done) => {
    if (signal.aborted) done('aborted');
    signal.addEventListener('abort', () => done('aborted'), { once: true });
  });
}

/** Checks early: a child could not even write its log. @throws CliFailure */
async function requireDirectory(data: string): Promise<void> {
  try {
    await makeDirectory(data, 0o777);
  } catch (cause) {
    throw new CliFailure('failed', `cannot make the data directory ${data}: ${(cause as Error).message}`, { cause });
  }
}

async function endedFailure(child: Child): Promise<CliFailure> {
  const exit = describe(await child.exited);
  const lines = (await child.lastLines()).map((line) => `\n  ${line}`).join('');
  return new CliFailure('failed', `the ${child.title} ended (${exit}); the last lines of ${child.logFile}:${lines}`);
}

function describe({ code, signal }: ChildExit): string {
  return signal === null ? `exit code ${code}` : signal;
}
