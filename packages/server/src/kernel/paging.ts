/** Lists: bounded limit, opaque cursor over a (time, id) order. */
import { limits, Type } from '@opmas/protocol';
import { OpmasError } from './errors.ts';

/** Query parameters of every list. */
export const pageQuery = {
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: limits.pageMax })),
  cursor: Type.Optional(Type.String({ maxLength: 512 })),
};

export interface PageRequest {
  limit?: number;
  cursor?: string;
}

export interface Page<T> {
  items: T[];
  next_cursor: string | null;
}

export function pageLimit(request: PageRequest): number {
  return request.limit ?? limits.pageDefault;
}

/** Packs the sort key of the last row. */
export function encodeCursor(parts: readonly string[]): string {
  return Buffer.from(JSON.stringify(parts)).toString('base64url');
}

/**
 * @throws {OpmasError} OPMAS_INVALID_REQUEST when it is no cursor of `length` parts.
 */
export function decodeCursor(cursor: string, length: number): string[] {
  try {
    const parts: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
    if (
      Array.isArray(parts) &&
      parts.length === length &&
      parts.every((part) => typeof part === 'string')
    ) {
      return parts;
    }
  } catch (error) {
    throw badCursor(error);
  }
  throw badCursor();
}

/** For a list that looks into its cursors. */
export function badCursor(cause?: unknown): OpmasError {
  return new OpmasError('OPMAS_INVALID_REQUEST', 'The cursor is not one this list gave', {
    errors: [{ path: 'cursor', message: 'not a cursor of this list; start again without it' }],
    ...(cause === undefined ? {} : { cause }),
  });
}

/** Cuts `rows` (one more than the limit was asked for) to a page. */
export function toPage<R, T>(
  rows: readonly R[],
  limit: number,
  map: (row: R) => T,
  key: (row: R) => readonly string[],
): Page<T> {
  const kept = rows.slice(0, limit);
  const last = kept.at(-1);
  return {
    items: kept.map(map),
    next_cursor: rows.length > limit && last !== undefined ? encodeCursor(key(last)) : null,
  };
}

/** The sort key of most lists: what they are ordered by, and an id that tells equals apart. */
export type PageKey = readonly [string, string];

/**
 * One page of a list. `rows` is asked for one more than fits, in the list's order, after the key of the page
 * before; undefined begins.
 * @throws {OpmasError} OPMAS_INVALID_REQUEST for a cursor that is none
 */
export async function pageOf<R, T>(
  request: PageRequest,
  list: {
    rows(limit: number, after: PageKey | undefined): Promise<readonly R[]>;
    item(row: R): T;
    key(row: R): PageKey;
  },
): Promise<Page<T>> {
  const limit = pageLimit(request);
  const [first, second] = request.cursor === undefined ? [] : decodeCursor(request.cursor, 2);
  const after: PageKey | undefined =
    first === undefined || second === undefined ? undefined : [first, second];
  return toPage(await list.rows(limit + 1, after), limit, list.item, list.key);
}
