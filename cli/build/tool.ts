/** Compilers that a build runs. One that is missing is told with the way to have it. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { CliFailure } from '../terminal/failure.ts';

const run = promisify(execFile);
/** Characters of a compiler's output at most, and how long it may take. */
const maxOutput = 10 * 1024 * 1024;
const timeoutMs = 10 * 60_000;

/**
 * Resolves with what it printed.
 * @throws CliFailure with the hint when it is not there, with its last lines when it fails
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
    const said = `${stdout}${stderr}`.trim().split('\n').slice(-40).join('\n');
    throw new ToolFailure(`${tool} failed:\n${said}`, said, cause);
  }
}

/** A tool ran and said no; `said` is the end of what it printed. */
export class ToolFailure extends CliFailure {
  readonly said: string;
  constructor(message: string, said: string, cause: unknown) {
    super('failed', message, { cause });
    this.said = said;
  }
}
