/** The benchmarks' traffic is what they say: so many lines match, each exactly one rule, each with its number. */
import { createRouter, parseSyslog } from '@opmas/ingest';
import { compileRules } from '@opmas/rules';
import { expect, it } from 'vitest';
import { benignLine, LineStream, MARK, matchingLine } from './lines.ts';
import { seeded } from './random.ts';
import { rulePack } from './rules.ts';

const rules = rulePack(1_000);
const compiled = compileRules(rules.map(({ rule }) => rule));
const now = Date.now();

function matchesOf(text: string): number {
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.errors));
  const { message } = parseSyslog(text, now);
  const event = { event_id: 'e', timestamp: new Date(now).toISOString(), type: 't', message };
  return compiled.ruleset.match(event).length;
}

it('matches one rule on each numbered line and none on the others', () => {
  const stream = new LineStream(rules, 1);
  const mark = new RegExp(MARK);
  const marks: number[] = [];
  let characters = 0;
  for (let n = 0; n < 100; n++) {
    for (const line of stream.chunk().toString('latin1').trim().split('\n')) {
      const found = mark.exec(line);
      if (found !== null) marks.push(Number(found[1]));
      expect(matchesOf(line)).toBe(found === null ? 0 : 1);
      characters += line.length;
    }
  }
  expect(marks).toEqual(Array.from({ length: stream.marked }, (_, n) => n));
  expect(stream.marked).toBe(100);
  expect(Math.abs(characters / stream.lines - 108)).toBeLessThan(5);
});

it('routes lines to several domains', () => {
  const router = createRouter();
  const random = seeded(1);
  const domains = new Set(
    Array.from({ length: 200 }, () =>
      router.domainOf(parseSyslog(benignLine(random, new Date(now)).trim(), now)),
    ),
  );
  expect(domains.size).toBeGreaterThan(3);
  expect(matchesOf(matchingLine(rules, 7, new Date(now)).trim())).toBe(1);
});
