/** What `compileRules` accepts and refuses. */
import type { Rule } from '@opmas/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { plainChoices } from './choose/literals.ts';
import { typicalTraffic } from './choose/traffic.ts';
import { compileRules, compileRulesInSlices, ruleVersion } from './index.ts';
import { limits } from './limits.ts';
import { compileRegex } from './regex.ts';
import { buildTables } from './scan/tables.ts';
import { inSlices, wholly } from './slices.ts';

const rule = (over: Record<string, unknown> = {}) => ({
  id: 'rule-1',
  name: 'Failed Login Detection',
  pattern: 'Failed login attempt',
  severity: 'warning',
  action: 'alert',
  ...over,
});

const errorsOf = (...rules: unknown[]) => compileRules(rules).errors;

describe('compileRules', () => {
  it("takes the specification's rule as it is", () => {
    const result = compileRules([rule()]);
    expect(result).toMatchObject({ ok: true, errors: [], warnings: [] });
    expect(result.ok && result.ruleset.rules).toEqual([rule()]);
  });

  it('takes an empty list', () => {
    expect(compileRules([]).ok).toBe(true);
  });

  it.each([[null], [undefined], ['rules'], [{ id: 'x' }], [7]])('refuses %j as a list', (input) => {
    expect(compileRules(input)).toMatchObject({ ok: false, errors: [{ index: -1, path: '' }] });
  });

  it('reports all faults of all rules at once, with place and field', () => {
    const errors = errorsOf(
      rule({ severity: 'fatal' }),
      rule({ id: 'b', kind: 'regex', pattern: '(', where: { color: 'red' }, count: 3 }),
      rule({ id: 'c', extra: true }),
      'nonsense',
    );
    expect(errors.map(({ rule_id, index, path }) => [rule_id, index, path])).toEqual([
      ['rule-1', 0, 'severity'],
      ['b', 1, 'where.color'],
      ['b', 1, 'count'],
      ['b', 1, 'pattern'],
      ['c', 2, ''],
      [undefined, 3, ''],
    ]);
    expect(errors[0]?.message).toContain('info, warning, error, critical');
    expect(errors[4]?.message).toContain('extra');
  });

  it('refuses a second rule of the same id, naming the first', () => {
    expect(errorsOf(rule(), rule({ id: 'other' }), rule())).toEqual([
      expect.objectContaining({ rule_id: 'rule-1', index: 2, path: 'id' }),
    ]);
    expect(errorsOf(rule(), rule())[0]?.message).toContain('rule 0');
  });

  it.each([
    [{ program: { regex: 'x' } }, 'where.program'],
    [{ program: [] }, 'where.program'],
    [{ program: ['a', null] }, 'where.program'],
    [{ host: { prefix: '' } }, 'where.host'],
    [{ host: { prefix: 'a', value: 'b' } }, 'where.host'],
    [{ host: { value: [], ignore_case: true } }, 'where.host'],
    [{ host: { value: { prefix: 'a' }, ignore_case: true } }, 'where.host'],
    [{ host: { value: 'a', ignore_case: 1 } }, 'where.host'],
    [{ host: { value: 'a', case: false } }, 'where.host'],
    [{ host: { ignore_case: true } }, 'where.host'],
    [{ message: 'x' }, 'where.message'],
    [{ 'fields.': 'x' }, 'where.fields.'],
    [{ constructor: 'x' }, 'where.constructor'],
  ])('refuses the condition %j', (where, path) => {
    expect(errorsOf(rule({ where })).map((fault) => fault.path)).toContain(path);
  });

  it('refuses more rules than one agent may have', () => {
    expect(compileRules(Array.from({ length: 20_001 }, () => null)).errors).toHaveLength(1);
  });

  it('bounds its answer', () => {
    const { errors } = compileRules(Array.from({ length: 5_000 }, () => null));
    expect(errors).toHaveLength(limits.faults + 1);
    expect(errors.at(-1)?.message).toBe('and 4800 more');
  });

  it('warns of a substring that looks like a regular expression', () => {
    expect(compileRules([rule({ pattern: 'user .* failed' })]).warnings).toEqual([
      expect.objectContaining({ rule_id: 'rule-1', path: 'pattern' }),
    ]);
    expect(compileRules([rule({ pattern: 'user .* failed', kind: 'substring' })]).warnings).toEqual(
      [],
    );
  });

  it('warns when many rules must be tried on every event', () => {
    const rules = Array.from({ length: 51 }, (_, i) => rule({ id: `r${i}`, pattern: 'ab' }));
    expect(compileRules(rules).warnings).toEqual([expect.objectContaining({ index: -1 })]);
  });

  it('does not see later changes of the list it was given', () => {
    const input = [rule()];
    const result = compileRules(input);
    if (input[0]) input[0].pattern = 'x';
    expect(result.ok && result.ruleset.rules[0]?.pattern).toBe('Failed login attempt');
  });

  it('refuses what code alone can give, and no file', () => {
    const followed_by = { pattern: 'b', where: { host: () => true } };
    const story = [{ message: 'a', fields: { at: Symbol('now') } }];
    for (const over of [
      { kind: 'sequence', within_seconds: 5, followed_by },
      { examples: { match: [story] } },
    ]) {
      const errors = errorsOf(rule(over));
      expect(errors).toContainEqual(
        expect.objectContaining({
          path: '',
          message: expect.stringContaining('no JSON') as string,
        }),
      );
    }
  });

  it('never throws, whatever it is given', () => {
    const keys = fc.constantFrom(
      'id',
      'name',
      'pattern',
      'severity',
      'action',
      'kind',
      'where',
      'x',
    );
    const values = fc.oneof(
      fc.anything(),
      fc.string(),
      fc.constantFrom('regex', 'warning', 'substring', '(', '[z-a]', '\\', '(?i)'),
    );
    const near = fc.dictionary(keys, values).map((over) => rule(over));
    fc.assert(
      fc.property(fc.oneof(fc.anything(), fc.array(fc.oneof(fc.anything(), near))), (input) => {
        const result = compileRules(input);
        expect(result.ok).toBe(result.errors.length === 0);
      }),
      { numRuns: 500 },
    );
  });
});

describe('ruleVersion', () => {
  const base: Rule = { id: 'a', name: 'n', pattern: 'p', severity: 'info', action: 'alert' };

  it('is the same for the same rule however its keys are ordered', () => {
    const { id, ...rest } = base;
    expect(ruleVersion({ ...rest, id })).toBe(ruleVersion(base));
    expect(ruleVersion(base)).toMatch(/^[0-9a-f]{12}$/);
  });

  it('changes with what the rule does, not with its examples and references', () => {
    const version = ruleVersion(base);
    expect(ruleVersion({ ...base, pattern: 'q' })).not.toBe(version);
    expect(ruleVersion({ ...base, severity: 'error' })).not.toBe(version);
    expect(ruleVersion({ ...base, where: { program: 'x' } })).not.toBe(version);
    expect(ruleVersion({ ...base, examples: { match: ['p'] }, references: ['r'] })).toBe(version);
  });
});

describe('in slices', () => {
  const many = Array.from({ length: 3_000 }, (_, n) => ({
    id: `r${n}`,
    name: `rule ${n}`,
    kind: n % 3 === 0 ? 'regex' : 'substring',
    pattern:
      n % 3 === 0 ? `user\\d+ (?:denied|refused) at site-${n.toString(36)}` : `E${n * 7} fault`,
    severity: 'info',
    action: 'alert',
  }));

  it('makes the same tables as at one go', async () => {
    const choices = many.map(({ pattern, kind }) => {
      const regex = kind === 'regex' ? compileRegex(pattern, () => 0) : undefined;
      return regex?.ok === true ? regex.regex.choices : plainChoices(pattern);
    });
    const whole = wholly(buildTables(choices, typicalTraffic()));
    expect(await inSlices(buildTables(choices, typicalTraffic()))).toEqual(whole);
    expect(whole.rulesOf.length).toBeGreaterThan(2_000);
  });

  it('makes a rule set that matches the same, and says the same of faults, while other work goes on', async () => {
    let others = 0;
    const next = () => {
      others += 1;
      turn = setImmediate(next);
    };
    let turn = setImmediate(next);
    const sliced = await compileRulesInSlices(many);
    clearImmediate(turn);
    const whole = compileRules(many);
    if (!sliced.ok || !whole.ok) throw new Error('faults');
    expect(others).toBeGreaterThan(3);
    const lines = Buffer.from(
      many.map((_, n) => `E${n} fault of user${n} refused at site-${n.toString(36)}`).join('\n'),
    );
    const told = (ruleset: typeof whole.ruleset) =>
      ruleset
        .matchLines(lines)
        .flatMap(({ index, matches }) => matches.map(({ rule }) => `${index} ${rule.id}`));
    expect(told(sliced.ruleset)).toEqual(told(whole.ruleset));
    expect(told(whole.ruleset).length).toBeGreaterThan(1_000);

    const faulty = [...many.slice(0, 500), { id: 'r1' }, { ...many[0], id: 'x', pattern: '(' }];
    const atOnce = compileRules(faulty);
    expect(atOnce.ok).toBe(false);
    expect(await compileRulesInSlices(faulty)).toEqual(atOnce);
    expect(await compileRulesInSlices('none')).toEqual(compileRules('none'));
  });
});
