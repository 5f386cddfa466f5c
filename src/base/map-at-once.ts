/**
 * What `task` makes of each item, in their order, with at most `atOnce` of them under way. Rejects with
 * the first failure; no further item is begun then.
 */
export async function mapAtOnce<Item, Result>(
  items: readonly Item[],
  atOnce: number,
  task: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results = new Array<Result>(items.length);
  const entries = items.entries();
  let isFailed = false;
  const work = async () => {
    for (const [index, item] of entries) {
      if (isFailed) return;
      results[index] = await task(item).catch((error: unknown) => {
        isFailed = true;
        throw error;
      });
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, work));
  return results;
}
