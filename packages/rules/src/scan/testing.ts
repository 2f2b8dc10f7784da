/** For tests: the same rule set's literals in both scans. */
import type { Literal } from '../choose/literals.ts';
import { typicalTraffic } from '../choose/traffic.ts';
import { wholly } from '../slices.ts';
import type { Scan } from './scan.ts';
import { buildTables, type Tables } from './tables.ts';
import { TypescriptScan } from './typescript.ts';
import { WebassemblyScan } from './webassembly.ts';

const traffic = typicalTraffic();

export const plain = (text: string): Literal => ({ text, fold: false });

export function tablesOf(...literals: Literal[]): Tables {
  return wholly(
    buildTables(
      literals.map((literal) => [[literal]]),
      traffic,
    ),
  );
}

/** @returns the one in TypeScript, then the one in WebAssembly */
export function scansOf(...literals: Literal[]): Scan[] {
  const tables = tablesOf(...literals);
  return [new TypescriptScan(tables), new WebassemblyScan(tables)];
}
