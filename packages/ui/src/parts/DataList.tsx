// The one list of the page: a table to a screen reader, virtual rows that scroll with the page, cards where it has no room.
import { VisuallyHidden } from '@mantine/core';
import { useWindowVirtualizer } from '@tanstack/react-virtual';
import { type ReactNode, useLayoutEffect, useMemo, useRef, useState } from 'react';
import s from './DataList.module.css';

export interface Column<T> {
  key: string;
  header: string;
  /** A track of `grid-template-columns`. */
  width: string;
  cell: (row: T) => ReactNode;
  align?: 'end';
  /** Only for screen readers, and on a narrow page. */
  isHeaderHidden?: boolean;
  /** On a narrow page: a line of its own without its header. */
  lead?: boolean;
}

/** As in the stylesheet. */
const GAP = 16;
const EDGES = 32;
const NARROW = '(max-width: 48em)';

export function DataList<T>(props: {
  label: string;
  columns: readonly Column<T>[];
  rows: readonly T[];
  rowKey: (row: T) => string;
  rowHeight: number;
  onOpen?: (row: T) => void;
  isOpen?: (row: T) => boolean;
}) {
  const { label, columns, rows, rowKey, rowHeight, onOpen, isOpen } = props;
  const list = useRef<HTMLDivElement>(null);
  const body = useRef<HTMLDivElement>(null);
  const isCards = useIsTight(
    list,
    useMemo(() => leastWidth(columns), [columns]),
  );
  const scrollMargin = useTopOf(body);
  const virtualizer = useWindowVirtualizer({
    count: rows.length,
    estimateSize: () => rowHeight,
    overscan: 8,
    scrollMargin,
    getItemKey: (index) => {
      const row = rows[index];
      return row === undefined ? index : rowKey(row);
    },
  });
  const tracks = { '--tracks': columns.map((column) => column.width).join(' ') };

  return (
    <div
      ref={list}
      className={s.list}
      data-cards={isCards ? '' : undefined}
      role="table"
      aria-label={label}
      aria-rowcount={rows.length + 1}
      aria-colcount={columns.length}
      style={tracks}
    >
      <div role="rowgroup" className={s.head}>
        <div role="row" aria-rowindex={1} className={s.row}>
          {columns.map((column) => (
            <div key={column.key} role="columnheader" className={s.cell} data-align={column.align}>
              {column.isHeaderHidden ? (
                <VisuallyHidden>{column.header}</VisuallyHidden>
              ) : (
                column.header
              )}
            </div>
          ))}
        </div>
      </div>
      <div
        ref={body}
        role="rowgroup"
        className={s.body}
        style={{ height: virtualizer.getTotalSize() }}
      >
        {virtualizer.getVirtualItems().map((item) => {
          const row = rows[item.index];
          if (row === undefined) return null;
          return (
            <div
              key={item.key}
              ref={virtualizer.measureElement}
              role="row"
              aria-rowindex={item.index + 2}
              data-index={item.index}
              data-opens={onOpen ? '' : undefined}
              data-open={isOpen?.(row) ? '' : undefined}
              className={s.row}
              style={{ transform: `translateY(${item.start - scrollMargin}px)` }}
              onClick={onOpen && ((event) => !isControl(event.target) && onOpen(row))}
            >
              <Cells row={row} columns={columns} />
            </div>
          );
        })}
      </div>
    </div>
  );
}

/** Rendered again only for another row: an arrival moves every row, but changes none. */
function Cells<T>({ row, columns }: { row: T; columns: readonly Column<T>[] }) {
  return useMemo(
    () =>
      columns.map((column) => {
        const content = column.cell(row);
        const isEmpty =
          content === null || content === undefined || content === false || content === '';
        return (
          <div
            key={column.key}
            role="cell"
            className={s.cell}
            data-align={column.align}
            data-lead={column.lead ? '' : undefined}
          >
            {!column.lead && !isEmpty && (
              <span className={s.label} aria-hidden>
                {column.header}
              </span>
            )}
            {content}
          </div>
        );
      }),
    [row, columns],
  );
}

/** A click on a link or button inside the row is theirs; a selection of text is no click. */
function isControl(target: EventTarget): boolean {
  if (!(target instanceof Element)) return false;
  return target.closest('a, button') !== null || window.getSelection()?.type === 'Range';
}

/** Below this the columns would stand out of the page: their least widths, gaps and edges. */
function leastWidth(columns: readonly { width: string }[]): number {
  const widths = columns.map(({ width }) => Number(/^(?:minmax\()?(\d+)px/.exec(width)?.[1] ?? 0));
  return widths.reduce((sum, width) => sum + width + GAP, EDGES - GAP);
}

/** Is the page a telephone's, or the element narrower than this? */
function useIsTight(ref: { current: HTMLElement | null }, least: number): boolean {
  const [isTight, setTight] = useState(false);
  useLayoutEffect(() => {
    const element = ref.current;
    if (!element) return undefined;
    const measure = () =>
      setTight(element.clientWidth < least || window.matchMedia(NARROW).matches);
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, [ref, least]);
  return isTight;
}

/** Where the element begins on the page; what stands above it may grow. */
function useTopOf(ref: { current: HTMLElement | null }): number {
  const [top, setTop] = useState(0);
  useLayoutEffect(() => {
    const measure = () => {
      const box = ref.current?.getBoundingClientRect();
      if (box) setTop(Math.round(box.top + window.scrollY));
    };
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(document.body);
    return () => observer.disconnect();
  }, [ref]);
  return top;
}
