/**
 * Where the runner's script is: one file, because the runner's process may read nothing else. A release has it built;
 * in development it is built at the start of the agent, from the sources as they are, by a process of its own, so
 * that the bundler neither stays in the agent's memory nor leaves its service running.
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const prebuilt = fileURLToPath(new URL('../dist/runner.mjs', import.meta.url));
const build = fileURLToPath(new URL('../build.ts', import.meta.url));

/** Absolute path of the script. @throws Error when there is neither a built one nor esbuild to build it */
export async function runnerScript(): Promise<string> {
  if (existsSync(prebuilt)) return prebuilt;
  const { stdout } = await promisify(execFile)(process.execPath, [build, '--cache']);
  return stdout.trim();
}
