/** Lists as CSV (RFC 4180) for spreadsheets, in which no cell is taken for a formula. */
import { visible } from './visible.ts';

/** What spreadsheets begin a formula, or a command, with; the wide forms are read as the narrow ones. */
const FORMULA = /^[\s]*[=+\-@＝＋－＠\t\r\n]/;

/** A line of names, then one for each row: every field that any of the rows has. No rows: no line. */
export function csvLines(rows: readonly object[]): string[] {
  const names = new Set(rows.flatMap((row) => Object.keys(row)));
  if (names.size === 0) return [];
  const line = (cells: readonly unknown[]) => cells.map(csvCell).join(',');
  const cellsOf = (row: object) => {
    const fields = new Map<string, unknown>(Object.entries(row));
    return [...names].map((name) => fields.get(name));
  };
  return [line([...names]), ...rows.map((row) => line(cellsOf(row)))];
}

/**
 * One cell. Text that a spreadsheet would calculate is led by an apostrophe, which makes it text there;
 * a number stays a number. Control characters are shown, as everywhere on a terminal.
 */
export function csvCell(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
  const safe = `${FORMULA.test(text) ? "'" : ''}${visible(text)}`;
  return /[",;]|^'|^\s|\s$/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
