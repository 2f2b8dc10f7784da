// The filter of the findings, and what waits behind the pill.
import { SEVERITIES } from '@opmas/protocol';
import { expect, test } from 'vitest';
import { aFinding } from '../lib/samples.ts';
import { factsOf } from './event.ts';
import {
  matchesFinding,
  readFindingsSearch,
  SEVERITY_ORDER,
  splitFresh,
  toQuery,
} from './filter.ts';

test('every severity of the protocol can be chosen', () => {
  expect([...SEVERITY_ORDER].sort()).toEqual([...SEVERITIES].sort());
});

test('the address gives the filter, and drops what it does not know', () => {
  expect(
    readFindingsSearch({ severity: 'info,loud,critical', agent: 'a-1', q: '', page: '3' }),
  ).toEqual({
    severity: ['critical', 'info'],
    agent: 'a-1',
  });
});

test('the server filters by one severity; more are filtered here', () => {
  expect(toQuery({ severity: ['error'], q: ' root ' })).toMatchObject({
    severity: 'error',
    q: 'root',
  });
  expect(toQuery({ severity: ['error', 'critical'] }).severity).toBeUndefined();
});

test('an arriving finding is matched by severity, agent and text of its event', () => {
  const finding = aFinding(1, { severity: 'error' });
  expect(matchesFinding(finding, {})).toBe(true);
  expect(matchesFinding(finding, { severity: ['error'], agent: 'security-1', q: 'ATTIC' })).toBe(
    true,
  );
  expect(matchesFinding(finding, { severity: ['info'] })).toBe(false);
  expect(matchesFinding(finding, { agent: 'other' })).toBe(false);
  expect(matchesFinding(finding, { q: 'cellar' })).toBe(false);
});

test('rows keep their place while the reader is further down', () => {
  const list = [5, 4, 3, 2, 1].map((n) => aFinding(n));
  expect(splitFresh(list, undefined)).toEqual({ fresh: 0, shown: list });
  expect(splitFresh(list, 'f0003')).toEqual({ fresh: 2, shown: list.slice(2) });
  expect(splitFresh(list, 'not there any more')).toEqual({ fresh: 0, shown: list });
});

test('facts are read from any details without trusting their form', () => {
  expect(
    factsOf(aFinding(1, { details: { event: 'text', rule_id: { a: 1 }, rule_version: 3 } })),
  ).toEqual({
    ruleVersion: '3',
  });
  expect(factsOf(aFinding(2))).toEqual({ host: 'attic', message: 'Bad password attempt 2' });
});
