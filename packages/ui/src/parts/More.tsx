// The end of a list that is asked for page by page: the button for more, and the word that not all of it is kept.
import { Button } from '@mantine/core';
import s from './More.module.css';

interface Paged {
  items: readonly unknown[];
  next_cursor: string | null;
}

export function More(props: {
  list: {
    data: { pages: readonly Paged[] } | undefined;
    hasNextPage: boolean;
    isFetchingNextPage: boolean;
    fetchNextPage: () => Promise<unknown>;
  };
  label: string;
  /** Said where there is more than the page keeps. @param rows that are shown */
  kept: (rows: number) => string;
  /** The list was cut short without a cursor that would say so. */
  isTrimmed?: boolean;
}) {
  const { list, label, isTrimmed = false } = props;
  const pages = list.data?.pages ?? [];
  const hasMore = typeof pages.at(-1)?.next_cursor === 'string';
  return (
    <>
      {list.hasNextPage && (
        <Button
          variant="default"
          className={s.more ?? ''}
          loading={list.isFetchingNextPage}
          onClick={() => void list.fetchNextPage()}
        >
          {label}
        </Button>
      )}
      {((hasMore && !list.hasNextPage) || isTrimmed) && (
        <p className="muted">
          {props.kept(pages.reduce((sum, { items }) => sum + items.length, 0))}
        </p>
      )}
    </>
  );
}
