/** Both scans find every literal at every place, once, and agree on all they find. */
import { readFile } from 'node:fs/promises';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Literal } from '../choose/literals.ts';
import { CURSORS, HITS_PER_CURSOR, LINES_MAX, TEXT_BYTES } from './layout.ts';
import type { Scan } from './scan.ts';
import { lower } from './tables.ts';
import { plain, scansOf, tablesOf } from './testing.ts';
import { TypescriptScan } from './typescript.ts';
import { MODULE_BASE64 } from './wasm/module.ts';
import { program } from './wasm/program.ts';
import { moduleSource } from './wasm/source.ts';

/** Literal and begin of each hit, in the order given. */
function found(scan: Scan, text: string): string[] {
  const length = scan.arena.text.write(text, 0, 'latin1');
  const hits = scan.scan(length);
  return Array.from({ length: hits }, (_, hit) => hitOf(scan, hit));
}

function hitOf({ arena }: Scan, hit: number): string {
  return `${arena.literalOf(hit)} at ${arena.startOf(hit)}`;
}

/** What the plain loop finds. */
function expected(literals: readonly Literal[], text: string): string[] {
  return literals.flatMap(({ text: literal, fold }, index) => {
    const here = fold ? folded(text) : text;
    const wanted = fold ? folded(literal) : literal;
    const places: string[] = [];
    for (let at = here.indexOf(wanted); at >= 0; at = here.indexOf(wanted, at + 1)) {
      places.push(`${index} at ${at}`);
    }
    return places;
  });
}

const folded = (text: string) =>
  Array.from(text, (char) => String.fromCharCode(lower(char.charCodeAt(0)))).join('');

/** Literals that are the same are one to the tables. */
const distinct = (literals: readonly Literal[]) => {
  const keys = new Set<string>();
  return literals.filter(({ text, fold }) => {
    const key = fold ? `i${folded(text)}` : `=${text}`;
    return !keys.has(key) && keys.add(key) !== undefined;
  });
};

describe('the module', () => {
  it('is what the program is assembled to', async () => {
    const written = await readFile(new URL('wasm/module.ts', import.meta.url), 'utf8');
    expect(written).toBe(moduleSource());
    expect(Buffer.from(MODULE_BASE64, 'base64').equals(Buffer.from(program()))).toBe(true);
  });
});

describe.each([0, 1])('scan %d', (which) => {
  it('finds a literal at every place of every length of text, once', () => {
    for (const literal of ['abc', 'needle', 'ten chars!', 'longer than any window is']) {
      const scan = scansOf(plain(literal), plain('nothing of this'))[which];
      if (scan === undefined) throw new Error('no scan');
      for (let length = literal.length; length <= 150; length++) {
        for (let at = 0; at + literal.length <= length; at++) {
          const text = ('x'.repeat(at) + literal).padEnd(length, 'y');
          const hits = found(scan, text);
          if (hits.join() !== `0 at ${at}`) expect([length, at, hits]).toEqual([length, at, []]);
        }
      }
    }
  });

  it('finds nothing that only an earlier, longer text held', () => {
    const scan = scansOf(plain('needle'))[which];
    if (scan === undefined) throw new Error('no scan');
    for (let length = 0; length < 130; length++) {
      found(scan, `${'needle'.repeat(30)}`);
      expect(found(scan, 'x'.repeat(length))).toEqual([]);
      found(scan, `${'needle'.repeat(30)}`);
      expect(found(scan, `${'x'.repeat(length)}needl`)).toEqual([]);
    }
  });

  it('fills the whole room for text', () => {
    const scan = scansOf(plain('needle'))[which];
    if (scan === undefined) throw new Error('no scan');
    const text = `${'x'.repeat(TEXT_BYTES - 6)}needle`;
    expect(found(scan, text)).toEqual([`0 at ${TEXT_BYTES - 6}`]);
  });

  it('says when there are more hits than it can hold', () => {
    const scan = scansOf(plain('aaa'))[which];
    if (scan === undefined) throw new Error('no scan');
    expect(found(scan, 'a'.repeat(HITS_PER_CURSOR))).toHaveLength(HITS_PER_CURSOR - 2);
    const length = scan.arena.text.write('a'.repeat(CURSORS * HITS_PER_CURSOR * 2), 0, 'latin1');
    expect(scan.scan(length)).toBe(-1);
    expect(found(scan, 'xaaax')).toEqual(['0 at 1']);
  });

  it('tells the line of each hit', () => {
    const scan = scansOf(plain('needle'), plain('gap\nno'))[which];
    if (scan === undefined) throw new Error('no scan');
    const word = fc.constantFrom('needle', 'x', ' ', 'needle needle', 'y'.repeat(40), 'gap', 'no');
    fc.assert(
      fc.property(fc.array(fc.array(word, { maxLength: 4 }), { maxLength: 40 }), (words) => {
        const lines = words.map((parts) => parts.join(''));
        const text = lines.join('\n');
        const length = scan.arena.text.write(text, 0, 'latin1');
        const hits = scan.scan(length);
        scan.findLines(length, hits);
        const told: string[] = [];
        for (let hit = 0; hit < hits; hit++) {
          if (scan.arena.literalOf(hit) !== 0) continue;
          const begin = scan.arena.lineBeginOf(hit);
          const line = scan.arena.lineOf(hit);
          expect(text.slice(begin, scan.arena.lineEndOf(hit))).toBe(lines[line]);
          told.push(`${line}: ${scan.arena.startOf(hit) - begin}`);
        }
        const wanted = lines.flatMap((line, index) =>
          [...line.matchAll(/needle/g)].map((match) => `${index}: ${match.index}`),
        );
        expect(told).toEqual(wanted);
      }),
    );
  });

  it('gathers the messages of events, and knows where it does not know one', () => {
    const scan = scansOf(plain('needle'))[which];
    if (scan === undefined) throw new Error('no scan');
    const key = fc.constantFrom(
      '"message":',
      '"message":"',
      '"message" :"',
      '"message"',
      '"m',
      '"',
    );
    const other = fc.constantFrom(
      'x',
      '\n',
      '\\',
      '{',
      '}',
      ',',
      ':',
      'y'.repeat(15),
      'z'.repeat(40),
    );
    const line = fc
      .tuple(fc.string({ unit: other, maxLength: 4 }), fc.nat(60), fc.boolean())
      .map(([before, length, late]) => {
        const rest = late ? `,"a":"${before}"` : '';
        return `{"a":"${before}","message":"${'m'.repeat(length)}"${rest}}\n`;
      });
    const text = fc.array(fc.oneof({ weight: 3, arbitrary: line }, key, other), { maxLength: 60 });
    fc.assert(
      fc.property(text, (pieces) => {
        const whole = pieces.join('');
        // What the text before it left behind is no part of it.
        scan.arena.text.fill('"message":"\n\\', 0, whole.length + 64);
        const length = scan.arena.text.write(whole, 0, 'latin1');
        const lines = whole.split('\n');
        if (lines.at(-1) === '') lines.pop();
        expect(scan.gatherMessages(length)).toBe(lines.length);
        const { arena } = scan;
        let begin = 0;
        let from = 0;
        const told = lines.map((_, at) => {
          const content = whole.slice(begin, arena.endOf(at));
          const message = arena.text.toString('latin1', from, arena.messageEndOf(at));
          begin = arena.endOf(at) + 1;
          from = arena.messageEndOf(at) + 1;
          return [content, arena.isSuspect(at) ? undefined : message];
        });
        expect(told).toEqual(lines.map((each) => [each, messageIn(each)]));
      }),
      { numRuns: 500 },
    );
  });

  it('knows so many lines', () => {
    const scan = scansOf(plain('needle'))[which];
    if (scan === undefined) throw new Error('no scan');
    const lines = (count: number) =>
      scan.gatherMessages(scan.arena.text.write('\n'.repeat(count), 0, 'latin1'));
    expect(lines(LINES_MAX)).toBe(LINES_MAX);
    expect(lines(LINES_MAX + 1)).toBe(-1);
  });

  it('takes for the message of an event only what is', () => {
    const scan = scansOf(plain('needle'))[which];
    if (scan === undefined) throw new Error('no scan');
    const name = fc.constantFrom('message', 'type', 'mess', 'messages', 'Message', 'x"message"');
    const value: fc.Arbitrary<unknown> = fc.letrec((tie) => ({
      any: fc.oneof(
        { depthSize: 'small' },
        fc.constantFrom('needle', 'a"b', '"message":"', ':"', '', 7, null, 'message'),
        fc.dictionary(name, tie('any'), { maxKeys: 3 }),
        fc.array(tie('any'), { maxLength: 2 }),
      ),
    })).any;
    const space = fc.constantFrom('', '', '', ' ', '\t');
    const member = fc
      .tuple(name, space, space, value)
      .map(([key, a, b, each]) => `${JSON.stringify(key)}${a}:${b}${JSON.stringify(each)}`);
    const object = fc.array(member, { maxLength: 4 }).map((members) => `{${members.join(',')}}`);
    fc.assert(
      fc.property(object, (json) => {
        const count = scan.gatherMessages(scan.arena.text.write(json, 0, 'latin1'));
        expect(count).toBe(1);
        if (scan.arena.isSuspect(0)) return;
        const { message } = JSON.parse(json) as { message?: unknown };
        if (typeof message !== 'string') return;
        expect(scan.arena.text.toString('latin1', 0, scan.arena.messageEndOf(0))).toBe(message);
      }),
      { numRuns: 2_000 },
    );
  });
});

/** The message of a line that is known for sure. */
function messageIn(line: string): string | undefined {
  if (line.includes('\\') || line.split('"message"').length !== 2) return undefined;
  return /"message":"([^"]*)"/.exec(line)?.[1];
}

describe('both scans', () => {
  const unit = fc.constantFrom('a', 'b', 'A', 'B', ' ', '\n', '\xe9');
  const literal = fc.record({
    text: fc.string({
      unit: fc.constantFrom('a', 'b', 'A', ' ', '\n'),
      minLength: 3,
      maxLength: 14,
    }),
    fold: fc.boolean(),
  });

  it('find what the plain loop finds, and in the same order', () => {
    fc.assert(
      fc.property(
        fc.array(literal, { minLength: 1, maxLength: 30 }).map(distinct),
        fc.array(fc.string({ unit, maxLength: 1_500 }), { minLength: 1, maxLength: 3 }),
        (literals, texts) => {
          const [ours, theirs] = scansOf(...literals);
          if (ours === undefined || theirs === undefined) throw new Error('no scans');
          for (const text of texts) {
            const hits = found(ours, text);
            expect(new Set(hits).size).toBe(hits.length);
            expect(hits.toSorted()).toEqual(expected(literals, text).toSorted());
            expect(found(theirs, text).toSorted()).toEqual(hits.toSorted());
          }
        },
      ),
      { numRuns: 300 },
    );
  });

  it('are not led astray by lines made of the beginnings, ends and wholes of literals', () => {
    const words = [
      'login rejected for svc-0a1',
      'login rejected for svc-0a2',
      'svc-0a',
      'rejected',
    ];
    const piece = fc
      .tuple(fc.constantFrom(...words), fc.nat(26), fc.nat(26))
      .map(([word, from, until]) => word.slice(Math.min(from, until), Math.max(from, until)));
    const literals = words.map(plain);
    const scans = scansOf(...literals);
    fc.assert(
      fc.property(
        fc.array(fc.oneof(piece, fc.constantFrom(...words)), { maxLength: 200 }),
        (parts) => {
          const text = parts.join('');
          for (const scan of scans) {
            expect(found(scan, text).toSorted()).toEqual(expected(literals, text).toSorted());
          }
        },
      ),
    );
  });

  it('find one after the other what they cannot hold', () => {
    const tables = tablesOf(plain('aaa'), plain('aaaa'));
    const scan = new TypescriptScan(tables);
    const length = scan.arena.text.write('a'.repeat(20_000), 0, 'latin1');
    const counts = [0, 0];
    scan.scanInOrder(length, (index) => {
      counts[index] = (counts[index] ?? 0) + 1;
    });
    expect(counts).toEqual([19_998, 19_997]);
  });
});
