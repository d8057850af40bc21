/** Runs one command of the checks and prints its result. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';

type StepOptions = {
  readonly env: NodeJS.ProcessEnv;
  /** The command fails at this time limit: a process that never ends would hide its findings. */
  readonly timeoutMs: number;
  /** Show the output of the command while it runs. Otherwise only a failure shows it. */
  readonly show?: boolean;
};

/** @returns whether the command ended with exit code 0 */
export async function runStep(
  title: string,
  [command = '', ...options]: readonly string[],
  { env, timeoutMs, show = false }: StepOptions,
): Promise<boolean> {
  process.stdout.write(show ? `${title}\n` : `${title} … `);
  const start = performance.now();
  const child = spawn(command, options, {
    env,
    timeout: timeoutMs,
    killSignal: 'SIGKILL',
    stdio: ['ignore', show ? 'inherit' : 'pipe', show ? 'inherit' : 'pipe'],
  });
  const printed = Promise.all([child.stdout, child.stderr].map((stream) => (stream ? text(stream) : '')));
  const [code, signal] = await once(child, 'close').catch((error: Error) => [error.message]);
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  const passed = code === 0;
  process.stdout.write(`${show ? `${title} … ` : ''}${passed ? 'ok' : 'FAILED'} (${seconds} s)\n`);
  if (!passed) process.stdout.write(`${(await printed).join('')}${command}: ended with ${code ?? signal}\n`);
  return passed;
}
