/** Progress lines of `skerry up`: `[3/5] Starting the agent … 0.4 s`. */
import { formatDuration } from '../options/units.ts';
import type { Terminal } from '../terminal/terminal.ts';

export type StartProgress = {
  /** Shows the title, does the work, and adds the time that it took. A failure only ends the line. */
  step<Result>(title: string, work: () => Promise<Result>): Promise<Result>;
};

/** @param before number of steps that scripts/quickstart has shown @param total number of all steps, with those before */
export function createProgress({ err }: Pick<Terminal, 'err'>, before: number, total: number): StartProgress {
  let done = before;
  return {
    async step(title, work) {
      done += 1;
      err(`[${done}/${total}] ${title} … `);
      const start = performance.now();
      try {
        const result = await work();
        err(`${formatDuration(performance.now() - start)}\n`);
        return result;
      } catch (error) {
        err('\n');
        throw error;
      }
    },
  };
}
