// The one list of the page: a table to a screen reader, virtual rows that scroll with the page, cards when narrow.
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
  /** On a narrow page: a line of its own without its header. */
  lead?: boolean;
}

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
  const body = useRef<HTMLDivElement>(null);
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
      className={s.list}
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
              {column.header}
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
      columns.map((column) => (
        <div
          key={column.key}
          role="cell"
          className={s.cell}
          data-align={column.align}
          data-lead={column.lead ? '' : undefined}
        >
          {!column.lead && (
            <span className={s.label} aria-hidden>
              {column.header}
            </span>
          )}
          {column.cell(row)}
        </div>
      )),
    [row, columns],
  );
}

/** A click on a link or button inside the row is theirs; a selection of text is no click. */
function isControl(target: EventTarget): boolean {
  if (!(target instanceof Element)) return false;
  return target.closest('a, button') !== null || window.getSelection()?.type === 'Range';
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
