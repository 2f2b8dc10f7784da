/** Compares both engines with the plain loop, on rules cut out of the lines themselves and others of the pack. */
import type { Rule } from '@opmas/protocol';
import { compileRules, type EventMatches } from '@opmas/rules';
import { limits } from '../limits.ts';
import { type Random, seeded } from './random.ts';
import { routerLines, routerPack } from './router-pack.ts';

/** On how many of `count` lines does an engine find other pairs than the loop? */
export function disagreements(count: number): number {
  const random = seeded(97);
  const pack = routerPack(1_000);
  const text = routerLines(pack, count).toString('latin1');
  const lines = text.split('\n').slice(0, count);
  let wrong = 0;
  for (let from = 0; from < lines.length; from += limits.verifiedLines) {
    const some = lines.slice(from, from + limits.verifiedLines);
    const rules = Array.from({ length: limits.verifiedRules }, (_, n) =>
      n % 4 === 0
        ? (pack[random.int(pack.length)]?.rule ?? cutOut(some, random))
        : cutOut(some, random),
    ).map((rule, n): Rule => ({ ...rule, id: `v${n}` }));
    const expected = plainLoop(rules, some);
    if (expected.size === 0)
      throw new Error('rules cut out of lines match none: nothing is compared');
    for (const scan of ['webassembly', 'typescript'] as const) {
      const compiled = compileRules(rules, { scan });
      if (!compiled.ok) throw new Error(JSON.stringify(compiled.errors[0]));
      const found = answersOf(compiled.ruleset.matchLines(Buffer.from(some.join('\n'), 'latin1')));
      wrong += some.filter((_, index) => found.get(index) !== expected.get(index)).length;
    }
  }
  return wrong;
}

/** A piece of a line, as text or with its digits generalised. */
function cutOut(lines: readonly string[], random: Random): Rule {
  const line = lines[random.int(lines.length)] ?? '';
  const begin = random.int(Math.max(1, line.length - 20));
  const piece = line.slice(begin, begin + 3 + random.int(40));
  const regex = random.int(3) === 0;
  const pattern = regex
    ? piece.replaceAll(/[\\^$.*+?()[\]{}|/]/g, '\\$&').replaceAll(/\d+/g, '\\d+')
    : piece;
  return {
    id: 'cut',
    name: 'cut out',
    kind: regex ? 'regex' : 'substring',
    pattern,
    severity: 'info',
    action: 'alert',
  };
}

function plainLoop(rules: readonly Rule[], lines: readonly string[]): Map<number, string> {
  const tests = rules.map(({ id, kind, pattern }) => {
    const regex = kind === 'regex' ? new RegExp(pattern) : undefined;
    return { id, matches: (line: string) => regex?.test(line) ?? line.includes(pattern) };
  });
  const found = new Map<number, string>();
  for (const [index, line] of lines.entries()) {
    const ids = tests.flatMap(({ id, matches }) => (matches(line) ? [id] : []));
    if (ids.length > 0) found.set(index, ids.join(' '));
  }
  return found;
}

function answersOf(found: readonly EventMatches[]): Map<number, string> {
  return new Map(
    found.map(({ index, matches }) => [index, matches.map(({ rule }) => rule.id).join(' ')]),
  );
}
