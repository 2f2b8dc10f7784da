/** How data leaves a command: JSON for programs, tables and lines for people. */

import picocolors from 'picocolors';
import type { Io } from '../io.ts';
import { limits } from '../limits.ts';
import { csvLines } from './csv.ts';
import { visible, visibleJson } from './visible.ts';

export interface Column<T> {
  head: string;
  value(row: T): string | number | null | undefined;
  paint?(row: T, colours: Colours): Formatter | undefined;
  /** The last column of prose: never cut. */
  whole?: boolean;
}

export type Formatter = (text: string) => string;
export type Colours = ReturnType<typeof picocolors.createColors>;

export interface Output {
  readonly json: boolean;
  readonly colours: Colours;
  /** A list: an array in JSON, all fields in CSV, a table otherwise. `empty` is said to people when there is nothing. */
  list<T extends object>(rows: readonly T[], columns: readonly Column<T>[], empty: string): void;
  /** One thing: an object in JSON, `name  value` lines otherwise. */
  one(value: object, lines: readonly (readonly [string, unknown])[]): void;
  /** One of many over time: a JSON line, or a line for people. */
  event(value: unknown, line: () => string): void;
  /** A result nobody reads twice: an object in JSON, one sentence otherwise. */
  done(value: object, sentence: string): void;
}

export function createOutput(
  io: Io,
  options: { json: boolean; csv: boolean; colour: boolean },
): Output {
  const colours = picocolors.createColors(options.colour);
  const { json, csv } = options;
  return {
    json,
    colours,
    list(rows, columns, empty) {
      if (json) io.print(visibleJson(rows, 2));
      else if (rows.length === 0) io.note(empty);
      else if (csv) for (const line of csvLines(rows)) io.print(line);
      else
        for (const line of table(rows, columns, { colours, cut: io.interactive })) io.print(line);
    },
    one(value, lines) {
      if (json) {
        io.print(visibleJson(value, 2));
        return;
      }
      const width = Math.max(...lines.map(([name]) => name.length));
      for (const [name, content] of lines) {
        io.print(
          `${colours.dim(visible(name).padEnd(width))}  ${visible(shown(content))}`.trimEnd(),
        );
      }
    },
    event(value, line) {
      io.print(json ? visibleJson(value) : line());
    },
    done(value, sentence) {
      io.print(json ? visibleJson(value, 2) : visible(sentence));
    },
  };
}

function table<T>(
  rows: readonly T[],
  columns: readonly Column<T>[],
  { colours, cut }: { colours: Colours; cut: boolean },
): string[] {
  const cells = rows.map((row) =>
    columns.map((column) => {
      const text = visible(shown(column.value(row)));
      return cut && column.whole !== true ? shorten(text) : text;
    }),
  );
  const widths = columns.map(({ head }, index) =>
    cells.reduce((width, row) => Math.max(width, (row[index] ?? '').length), head.length),
  );
  const pad = (text: string, index: number) =>
    index === columns.length - 1 ? text : text.padEnd(widths[index] ?? 0);
  const head = columns.map(({ head: text }, index) => colours.dim(pad(text, index))).join('  ');
  const body = rows.map((row, at) =>
    columns
      .map((column, index) => {
        const text = pad(cells[at]?.[index] ?? '', index);
        return column.paint?.(row, colours)?.(text) ?? text;
      })
      .join('  ')
      .trimEnd(),
  );
  return [head.trimEnd(), ...body];
}

function shorten(text: string): string {
  return text.length <= limits.cellChars ? text : `${text.slice(0, limits.cellChars - 1)}…`;
}

function shown(value: unknown): string {
  if (value === null || value === undefined || value === '') return '-';
  if (typeof value === 'string') return value;
  return JSON.stringify(value) ?? '-';
}
