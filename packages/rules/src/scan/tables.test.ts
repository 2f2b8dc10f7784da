/** The tables stay within their bounds, whatever the rules. */
import { expect, it } from 'vitest';
import type { LiteralSet } from '../choose/literals.ts';
import { typicalTraffic } from '../choose/traffic.ts';
import { limits } from '../limits.ts';
import { wholly } from '../slices.ts';
import { CLASSES_MAX } from './layout.ts';
import { buildTables, type Tables } from './tables.ts';
import { WebassemblyScan } from './webassembly.ts';

const build = (choices: LiteralSet[][], room?: number): Tables =>
  wholly(buildTables(choices, typicalTraffic(), room));
const plain = (text: string): LiteralSet[] => [[{ text, fold: false }]];

function rulesFor(scan: WebassemblyScan, tables: Tables, text: string): number[] {
  const hits = scan.scan(scan.arena.text.write(text, 0, 'latin1'));
  const found = Array.from({ length: hits }, (_, hit) => tables.rulesOf[scan.arena.literalOf(hit)]);
  return [...tables.always, ...found.flatMap((rules) => rules ?? [])];
}

const ROOM = 40_000;

it('looks for less of each literal when there are many, and misses none', () => {
  const count = 1_200;
  const literal = (n: number) => `${'login rejected for user'.repeat(2)} ${n} at the gate`;
  const choices = Array.from({ length: count }, (_, n) => plain(literal(n)));
  expect(build(choices).windowChars).toBe(limits.windowChars);
  const tables = build(choices, ROOM);
  expect(tables.windowChars).toBeLessThan(limits.windowChars);
  expect(tables.always).toEqual([]);
  const scan = new WebassemblyScan(tables);
  for (let n = 0; n < count; n += 7) {
    expect(rulesFor(scan, tables, `x ${literal(n)} y`)).toContain(n);
  }
});

it('tries on every text what it has no room for', () => {
  const random = (n: number) => Math.imul(n + 1, 0x9e3779b1) >>> 0;
  const text = (n: number) => (random(n) * 2 ** 20 + random(n + 7)).toString(36).slice(0, 10);
  const literals = Array.from({ length: 200 }, (_, n): LiteralSet[] => [
    Array.from({ length: 16 }, (__, i) => ({ text: text(n * 16 + i), fold: false })),
  ]);
  const tables = build(literals, ROOM);
  expect(tables.always.length).toBeGreaterThan(0);
  expect(tables.always.length).toBeLessThan(200);
  expect(tables.image.length).toBeLessThan(ROOM * 4 + 200 * 16 * 64);
  const scan = new WebassemblyScan(tables);
  for (const [rule, [set]] of literals.entries()) {
    for (const literal of set ?? []) expect(rulesFor(scan, tables, literal.text)).toContain(rule);
  }
});

it('does without literals', () => {
  const tables = build([[], plain('needle'), []]);
  expect(tables.always).toEqual([0, 2]);
  const scan = new WebassemblyScan(build([[]]));
  expect(scan.scan(scan.arena.text.write('anything', 0, 'latin1'))).toBe(0);
});

it('lets characters share a class when there are more kinds than classes', () => {
  const printable = Array.from({ length: 127 }, (_, code) => String.fromCharCode(code + 1));
  const words = printable.map((char, at) => char + (printable[(at + 40) % 127] ?? '') + char);
  const tables = build(words.map(plain));
  expect(new Set(tables.classes).size).toBeLessThanOrEqual(CLASSES_MAX);
  const scan = new WebassemblyScan(tables);
  for (const [rule, word] of words.entries()) {
    expect(rulesFor(scan, tables, `--${word}--`)).toEqual([rule]);
  }
});

it('gives way to other work while it builds', () => {
  const work = buildTables(
    Array.from({ length: 2_000 }, (_, n) => plain(`rule number ${n}`)),
    typicalTraffic(),
  );
  let slices = 0;
  while (work.next().done !== true) slices += 1;
  expect(slices).toBeGreaterThan(10);
});
