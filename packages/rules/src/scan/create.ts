/** Which scan runs: WebAssembly where it can, else TypeScript. */
import type { Scan } from './scan.ts';
import type { Tables } from './tables.ts';
import { TypescriptScan } from './typescript.ts';
import { WebassemblyScan } from './webassembly.ts';

/** What a rule set is scanned with; `auto` takes WebAssembly, or TypeScript where that is not to be had. */
export type ScanKind = 'auto' | 'webassembly' | 'typescript';

/** Found impossible once: a process that may not reserve the memory is not asked again. */
let impossible = false;

/** @throws {Error} for `webassembly` where that is not to be had */
export function createScan(tables: Tables, kind: ScanKind): Scan {
  if (kind === 'webassembly') return new WebassemblyScan(tables);
  if (kind === 'typescript' || impossible) return new TypescriptScan(tables);
  try {
    return new WebassemblyScan(tables);
  } catch {
    // No vectors, or no room for the memory's guarded address space: the answers are the same, later.
    impossible = true;
    return new TypescriptScan(tables);
  }
}
