/**
 * Many small writes as few larger ones: what is asked for while one is under way goes together with the next, so that
 * the cost of a transaction is shared by all that came meanwhile.
 */

/**
 * @param most items that go together
 * @param run gives one result for each item, in their order; when it rejects, all of them fail
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
    // Whoever asks in the same turn goes along.
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
