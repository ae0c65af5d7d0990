/** What the server answers for at once, at most. */
const AT_ONCE = 100;

interface Batch<Found> {
  ids: Set<string>;
  found: Promise<Map<string, Found>>;
}

/** Looks ids up one by one, and asks for those that are wanted at the same time in one request. What is not found is null. */
export function batched<Found extends { id: string }>(
  ask: (ids: readonly string[]) => Promise<readonly Found[]>,
): (id: string) => Promise<Found | null> {
  let open: Batch<Found> | null = null;
  const begin = (): Batch<Found> => {
    const ids = new Set<string>();
    const turn = new Promise((resolve) => setTimeout(resolve));
    const found = turn.then(async () => {
      if (open?.ids === ids) open = null;
      return new Map((await ask([...ids])).map((one) => [one.id, one]));
    });
    return { ids, found };
  };
  return async (id) => {
    if (open === null || open.ids.size >= AT_ONCE) open = begin();
    const { ids, found } = open;
    ids.add(id);
    return (await found).get(id) ?? null;
  };
}
