/**
 * Turns many small writes into few larger ones: requests that arrive while a write runs share the next one, and so
 * share the cost of a transaction.
 */

/**
 * @param max items of one write
 * @param run returns one result per item, in their order; when it rejects, all of them fail
 */
export function createCoalescer<Item, Result>(
  most: number,
  run: (items: readonly Item[]) => Promise<readonly Result[]>,
): (item: Item) => Promise<Result> {
  type Waiting = PromiseWithResolvers<Result> & { readonly item: Item };
  const waiting: Waiting[] = [];
  let running = false;

  const work = async () => {
    running = true;
    // Requests of the same turn of the event loop share the first write.
    await undefined;
    while (waiting.length > 0) {
      const some = waiting.splice(0, most);
      try {
        const results = await run(some.map(({ item }) => item));
        for (const [at, { resolve }] of some.entries()) resolve(results[at] as Result);
      } catch (error) {
        for (const { reject } of some) reject(error);
      }
    }
    running = false;
  };
  return (item) => {
    const asked = { ...Promise.withResolvers<Result>(), item };
    waiting.push(asked);
    if (!running) void work();
    return asked.promise;
  };
}
