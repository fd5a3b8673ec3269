/** Work at a bounded pace, which stops at the first failure: a fault of all is met by one. */

export interface Outcome<Item> {
  readonly failures: readonly { readonly item: Item; readonly error: unknown }[];
  /** Not begun. */
  readonly left: readonly Item[];
}

/** At most `limit` at once, in order. What is under way when one fails is seen to its end. */
export async function paced<Item>(
  items: readonly Item[],
  limit: number,
  work: (item: Item) => Promise<void>,
): Promise<Outcome<Item>> {
  const failures: { item: Item; error: unknown }[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < items.length && failures.length === 0) {
      const item = items[next++]!;
      await work(item).catch((error: unknown) => void failures.push({ item, error }));
    }
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, worker));
  return { failures, left: items.slice(next) };
}
