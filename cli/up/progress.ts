/** Progress lines of `skerry up`: `[3/5] Starting the agent … 0.4 s`. */

import { formatDuration } from '../options/units.ts';
import type { Terminal } from '../terminal/terminal.ts';

export type Progress = {
  /** Shows the title, does the work, adds the time it took; a failure only ends the line. */
  step<Result>(title: string, work: () => Promise<Result>): Promise<Result>;
};

/** @param before steps that somebody else has shown already @param total of all steps, those before included */
export function createProgress({ err }: Pick<Terminal, 'err'>, before: number, total: number): Progress {
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
