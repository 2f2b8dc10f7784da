/** What the automaton names, whatever the rules and however many. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Automaton } from './automaton.ts';
import { limits } from './limits.ts';

const unit = fc.constantFrom('a', 'b', 'A', 'k', '\u212a', 'é', 'É', '\u{1f600}', ' ');
const text = (min: number, max: number) => fc.string({ unit, minLength: min, maxLength: max });

it('names every rule of which a literal stands in the text, in order, each once', () => {
  const rule = fc.record({
    literals: fc.option(fc.array(text(1, 40), { minLength: 1, maxLength: 3 }), { nil: undefined }),
    ignoreCase: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(rule, { maxLength: 40 }), fc.array(text(0, 120)), (rules, lines) => {
      const automaton = new Automaton(rules);
      for (const line of [...lines, ...rules.map(({ literals }) => literals?.join('x') ?? '')]) {
        const named = automaton.candidates(line);
        const must = rules.flatMap(({ literals, ignoreCase }, index) =>
          literals === undefined || literals.some((literal) => stands(literal, line, ignoreCase))
            ? [index]
            : [],
        );
        expect(named.filter((index) => must.includes(index))).toEqual(must);
        expect(named).toEqual([...new Set(named)].sort((a, b) => a - b));
      }
    }),
  );
});

it('tries rules without a literal on every text', () => {
  const automaton = new Automaton([
    { literals: undefined, ignoreCase: false },
    { literals: ['needle'], ignoreCase: false },
    { literals: [], ignoreCase: false },
  ]);
  expect(automaton.candidates('hay')).toEqual([0, 2]);
  expect(automaton.candidates('hay and needle')).toEqual([0, 1, 2]);
});

it('finds long literals of many rules by a part of each, and nothing is missed for want of room', () => {
  const count = 60_000;
  const literal = (n: number) => `${'login rejected for user'.repeat(2)} ${n} at the gate`;
  const rules = Array.from({ length: count }, (_, n) => ({
    literals: [literal(n)],
    ignoreCase: false,
  }));
  expect(count * limits.needleMinChars * 10).toBeGreaterThan(limits.automatonEntries);
  const automaton = new Automaton(rules);
  for (const n of [0, 7, 999, count - 1]) {
    expect(automaton.candidates(`x ${literal(n)} y`)).toContain(n);
  }
});

it('takes no longer for a line that repeats what thousands of rules look for', () => {
  const rules = Array.from({ length: 20_000 }, () => ({ literals: ['aaa'], ignoreCase: false }));
  const automaton = new Automaton(rules);
  expect(automaton.candidates('a'.repeat(8_192))).toHaveLength(20_000);
});

function stands(literal: string, line: string, ignoreCase: boolean): boolean {
  if (!ignoreCase) return line.includes(literal);
  const escaped = literal.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&');
  return new RegExp(escaped, 'i').test(line);
}
