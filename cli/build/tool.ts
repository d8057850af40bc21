/** Runs compilers. The message about a missing compiler says how to install it. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { CliFailure } from '../terminal/failure.ts';

const run = promisify(execFile);
/** At most this many characters of a compiler's output, and milliseconds of its run. */
const maxOutput = 10 * 1024 * 1024;
const timeoutMs = 10 * 60_000;

/**
 * @returns the standard output of the tool
 * @throws CliFailure with the hint when the tool is missing, with its last lines when it fails
 */
export async function runTool(
  tool: string,
  args: readonly string[],
  options: { cwd: string; hint: string; env?: NodeJS.ProcessEnv },
): Promise<string> {
  const { cwd, hint, env } = options;
  try {
    const { stdout } = await run(tool, [...args], {
      cwd,
      maxBuffer: maxOutput,
      timeout: timeoutMs,
      ...(env && { env }),
    });
    return stdout;
  } catch (cause) {
    const { code, stdout = '', stderr = '' } = cause as { code?: unknown; stdout?: string; stderr?: string };
    if (code === 'ENOENT') throw new CliFailure('failed', `${tool} is not installed. ${hint}`, { cause });
    const output = `${stdout}${stderr}`.trim().split('\n').slice(-40).join('\n');
    throw new CliFailure('failed', `${tool} failed:\n${output}`, { cause });
  }
}
