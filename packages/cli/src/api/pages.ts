/** Reads as many pages of a list as its caller wants items. */
import { limits } from '../limits.ts';

export interface PageOf<T> {
  items: T[];
  next_cursor: string | null;
}

/** At most `want` items, in the order of the list. */
export async function collect<T>(
  want: number,
  page: (query: { limit: number; cursor?: string }) => Promise<PageOf<T>>,
): Promise<T[]> {
  const items: T[] = [];
  let cursor: string | undefined;
  while (items.length < want) {
    const limit = Math.min(limits.pageItems, want - items.length);
    const answer = await page(cursor === undefined ? { limit } : { limit, cursor });
    items.push(...answer.items.slice(0, limit));
    if (answer.next_cursor === null || answer.next_cursor === cursor) break;
    cursor = answer.next_cursor;
  }
  return items;
}
