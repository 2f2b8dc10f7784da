import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeCursor, encodeCursor, pageLimit, pageOf, toPage } from './paging.ts';

test('a cursor is read back as it was written', () => {
  fc.assert(
    fc.property(fc.array(fc.string(), { maxLength: 4 }), (parts) => {
      expect(decodeCursor(encodeCursor(parts), parts.length)).toEqual(parts);
    }),
  );
});

test('anything else is refused as an invalid request, never by a crash', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.json().map((text) => btoa(encodeURI(text))),
      ),
      (text) => {
        try {
          expect(decodeCursor(text, 2)).toHaveLength(2);
        } catch (error) {
          expect(error).toMatchObject({
            code: 'OPMAS_INVALID_REQUEST',
            errors: [{ path: 'cursor' }],
          });
        }
      },
    ),
  );
});

test('following the cursors visits every row once, in order', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.nat(), { maxLength: 40 }),
      fc.integer({ min: 1, max: 7 }),
      (ids, limit) => {
        const rows = ids.sort((a, b) => a - b);
        const seen: number[] = [];
        let after: number | undefined;
        for (let pages = 0; pages <= rows.length; pages += 1) {
          const from = after;
          const found = rows.filter((id) => from === undefined || id > from).slice(0, limit + 1);
          const page = toPage(
            found,
            limit,
            (id) => id,
            (id) => [String(id)],
          );
          seen.push(...page.items);
          if (page.next_cursor === null) break;
          after = Number(decodeCursor(page.next_cursor, 1)[0]);
        }
        expect(seen).toEqual(rows);
      },
    ),
  );
});

test('a list without a limit has the default one', () => {
  expect([pageLimit({}), pageLimit({ limit: 3 })]).toEqual([50, 3]);
});

test('a list is asked for one row more than fits, after the key of the page before', async () => {
  const ids = ['a', 'b', 'c', 'd', 'e'];
  const asked: unknown[] = [];
  const page = (cursor?: string) =>
    pageOf(
      { limit: 2, ...(cursor === undefined ? {} : { cursor }) },
      {
        rows: async (limit, after) => {
          asked.push([limit, after]);
          return ids.filter((id) => after === undefined || id > after[1]).slice(0, limit);
        },
        item: (id) => id.toUpperCase(),
        key: (id) => ['same', id],
      },
    );
  const first = await page();
  const second = await page(first.next_cursor ?? '');
  const last = await page(second.next_cursor ?? '');
  expect([first.items, second.items, last.items]).toEqual([['A', 'B'], ['C', 'D'], ['E']]);
  expect(last.next_cursor).toBeNull();
  expect(asked).toEqual([
    [3, undefined],
    [3, ['same', 'b']],
    [3, ['same', 'd']],
  ]);
  await expect(page(encodeCursor(['one']))).rejects.toMatchObject({ status: 400 });
});
