/** The `skerry` command of this clone, run for what it does. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

/** Its file; Node runs it. */
export const skerryMain = fileURLToPath(new URL('../../../cli/main.ts', import.meta.url));

const timeoutMs = 180_000;

export type SkerryOptions = {
  /** All of its environment: which control plane, and the token, too. */
  readonly env: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
};

/** @throws Error with what it said, when it fails or takes too long */
export async function runSkerry(args: readonly string[], { env, signal }: SkerryOptions): Promise<void> {
  const options = { env, signal, timeout: timeoutMs };
  await promisify(execFile)(process.execPath, [skerryMain, ...args], options).catch((cause) => {
    const { message, stderr = '' } = cause as Error & { stderr?: string };
    throw new Error(stderr.trim() || message, { cause });
  });
}
