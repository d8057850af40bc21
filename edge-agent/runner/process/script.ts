/**
 * Finds the runner's script: one file, because the runner's process may read no other. In a release it is beside the
 * agent's script. An agent that runs from its sources has the script built at its start. A process of its own builds
 * it, so that the bundler neither stays in the agent's memory nor leaves its service running.
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const besideRelease = fileURLToPath(new URL('./runner.mjs', import.meta.url));
const build = fileURLToPath(new URL('../../build.ts', import.meta.url));

/** Absolute path of the script. @throws Error when there is neither a built script nor esbuild to build it */
export async function runnerScript(): Promise<string> {
  if (existsSync(besideRelease)) return besideRelease;
  const { stdout } = await promisify(execFile)(process.execPath, [build, '--cache']);
  return stdout.trim();
}
