/** Prints lines for a person who watches: time, speaker, event. */

/** Prints a line under the name of its speaker. */
export type Say = (who: string, text: string) => void;

const whoWidth = 13;
/** At most this many characters in a line. */
const maxText = 500;

/** Text of others must not steer the terminal, so control characters are removed. */
export function createSay(print: (text: string) => void, now: () => Date): Say {
  return (who, text) => {
    const time = now().toLocaleTimeString('en-GB');
    print(`${time}  ${who.padEnd(whoWidth)}  ${text.slice(0, maxText).replaceAll(/\p{Cc}/gu, '')}\n`);
  };
}

/** Shows the step, and then the time that it took: `[3/7] Starting the broker … 0.2 s`. */
export type Step = <Result>(title: string, work: () => Promise<Result>) => Promise<Result>;

/** @param before number of steps that scripts/sensor has shown @param total number of all steps, with those before */
export function createStep(print: (text: string) => void, before: number, total: number): Step {
  let number = before;
  return async (title, work) => {
    number += 1;
    print(`[${number}/${total}] ${title} … `);
    const start = performance.now();
    try {
      const result = await work();
      print(`${((performance.now() - start) / 1_000).toFixed(1)} s\n`);
      return result;
    } catch (error) {
      print('\n');
      throw error;
    }
  };
}
