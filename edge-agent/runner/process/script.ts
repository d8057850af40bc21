/**
 * Where the runner's script is: one file, because the runner's process may read nothing else. In a release it lies
 * beside the agent's. An agent that runs from its sources has it built at its start, from the sources as they are, by
 * a process of its own, so that the bundler neither stays in the agent's memory nor leaves its service running.
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const besideRelease = fileURLToPath(new URL('./runner.mjs', import.meta.url));
const build = fileURLToPath(new URL('../../build.ts', import.meta.url));

/** Absolute path of the script. @throws Error when there is neither a built one nor esbuild to build it */
export async function runnerScript(): Promise<string> {
  if (existsSync(besideRelease)) return besideRelease;
  const { stdout } = await promisify(execFile)(process.execPath, [build, '--cache']);
  return stdout.trim();
}
