/** Lines for a person who watches: when, who, what. */

/** Prints a line under the name of whoever it comes from. */
export type Say = (who: string, text: string) => void;

const whoWidth = 13;
/** Characters of a line at most. */
const maxText = 500;

/** What comes from elsewhere shall not steer the terminal: control characters are left out. */
export function createSay(print: (text: string) => void, now: () => Date): Say {
  return (who, text) => {
    const time = now().toLocaleTimeString('en-GB');
    print(`${time}  ${who.padEnd(whoWidth)}  ${text.slice(0, maxText).replaceAll(/\p{Cc}/gu, '')}\n`);
  };
}

/** Shows what is being done, and then how long it took: `[3/7] Starting the broker … 0.2 s`. */
export type Step = <Result>(title: string, work: () => Promise<Result>) => Promise<Result>;

/** @param before steps that somebody else has shown already @param total of all, those before included */
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
