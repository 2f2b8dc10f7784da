/** What `compileRules` accepts and refuses. */
import type { Rule } from '@opmas/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileRules, ruleVersion } from './index.ts';
import { limits } from './limits.ts';

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

  it.each(['threshold', 'sequence', 'absence', 'distinct'])('refuses kind %s by name', (kind) => {
    const errors = errorsOf(rule({ kind }));
    expect(errors.map((fault) => fault.path)).toEqual(['kind']);
    expect(errors[0]?.message).toContain('substring and regex');
  });

  it.each([
    ['group_by', ['host']],
    ['count', 5],
    ['within_seconds', 60],
    ['suppress_seconds', 60],
  ])('refuses %s rather than ignore it', (field, value) => {
    expect(errorsOf(rule({ [field]: value }))).toEqual([expect.objectContaining({ path: field })]);
  });

  it.each([
    [{ program: { regex: 'x' } }, 'where.program'],
    [{ program: [] }, 'where.program'],
    [{ program: ['a', null] }, 'where.program'],
    [{ host: { prefix: '' } }, 'where.host'],
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
