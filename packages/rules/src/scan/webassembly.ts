/** The scan in WebAssembly: eight cursors, no copy of what it found. */
import { Arena, arenaBytes } from './arena.ts';
import type { Scan } from './scan.ts';
import type { Tables } from './tables.ts';
import { MODULE_BASE64 } from './wasm/module.ts';

/** What is used of the global of this name: the libraries named in the configuration do not know it. */
declare const WebAssembly: {
  Module: new (bytes: Uint8Array) => object;
  Memory: new (size: { initial: number; maximum: number }) => { buffer: ArrayBuffer };
  Instance: new (
    module: object,
    imports: Record<string, Record<string, object>>,
  ) => { exports: Record<string, unknown> };
};

const PAGE = 64 * 1024;

type Exports = {
  scan(length: number, overlap: number): number;
  spots(length: number, hits: number): void;
  messages(length: number): number;
};

let compiled: object | undefined;

export class WebassemblyScan implements Scan {
  readonly kind = 'webassembly';
  readonly arena: Arena;
  readonly #exports: Exports;
  readonly #overlap: number;

  /** @throws {Error} where WebAssembly, its vectors or the memory are not to be had */
  constructor(tables: Tables) {
    compiled ??= new WebAssembly.Module(Buffer.from(MODULE_BASE64, 'base64'));
    const pages = Math.ceil(arenaBytes(tables) / PAGE);
    const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
    const { exports } = new WebAssembly.Instance(compiled, { env: { memory } });
    if (!isExports(exports)) throw new Error('the scan module lacks a function: build it anew');
    this.#exports = exports;
    this.arena = new Arena(memory.buffer, tables);
    this.#overlap = tables.windowChars - 1;
  }

  scan(length: number): number {
    return this.#exports.scan(length, this.#overlap);
  }

  findLines(length: number, hits: number): void {
    this.#exports.spots(length, hits);
  }

  gatherMessages(length: number): number {
    return this.#exports.messages(length);
  }
}

/** All are functions of 32-bit numbers, by the program they were assembled from. */
function isExports(exports: Record<string, unknown>): exports is Exports {
  return ['scan', 'spots', 'messages'].every((name) => typeof exports[name] === 'function');
}
