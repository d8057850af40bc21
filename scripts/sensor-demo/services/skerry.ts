/** Runs the `skerry` command of this clone. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

/** The script of the command. */
export const skerryMain = fileURLToPath(new URL('../../../cli/main.ts', import.meta.url));

const timeoutMs = 180_000;

export type SkerryOptions = {
  /** Its whole environment, with control plane and token. */
  readonly env: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
};

/** @throws Error with its output when it fails or takes too long */
export async function runSkerry(args: readonly string[], { env, signal }: SkerryOptions): Promise<void> {
  const options = { env, signal, timeout: timeoutMs };
  await promisify(execFile)(process.execPath, [skerryMain, ...args], options).catch((cause) => {
    const { message, stderr = '' } = cause as Error & { stderr?: string };
    throw new Error(stderr.trim() || message, { cause });
  });
}
