// What is typed into a trial becomes a request, or a fault at its field.
import { DOMAINS as KNOWN } from '@opmas/protocol';
import { expect, test } from 'vitest';
import { limits } from '../../limits.ts';
import { amongOthers, DOMAINS, eventOf, NEW_TRIAL, readRules, readTrial } from './input.ts';

const RULE = { id: 'r', pattern: 'x' };
const input = { ...NEW_TRIAL, rules: JSON.stringify(RULE), lines: 'one\n\n two \r\nthree' };

test('the domains of every installation are suggested', () => {
  expect(DOMAINS).toEqual(KNOWN);
});

test('one rule, a list and a document are all rules', () => {
  for (const text of [[RULE], { rules: [RULE] }, RULE]) {
    expect(readRules(JSON.stringify(text))).toEqual({ ok: true, value: [RULE] });
  }
  expect(readRules('[]')).toEqual({ ok: true, value: [] });
});

test.each([' ', '7', 'null', '"x"', '{"rules": 7}', '[{'])('%j is told at its field', (text) => {
  const read = readTrial({ ...input, rules: text });
  expect(read).toMatchObject({ ok: false, faults: { rules: expect.any(String) as string } });
});

test('lines are messages, without the empty ones; an event is one with nothing else in it', () => {
  expect(readTrial(input)).toEqual({
    ok: true,
    body: {
      rules: [RULE],
      events: [{ message: 'one' }, { message: ' two ' }, { message: 'three' }],
    },
  });
  const event = { message: 'm', program: 'sshd', fields: { a: 1 } };
  expect(eventOf(JSON.stringify(event))).toEqual(event);
  for (const line of ['{"message": 7}', '{"message": "m", "level": 3}', '{"a"', '{}']) {
    expect(eventOf(line)).toEqual({ message: line });
  }
});

test('no line and too many lines are told', () => {
  const lines = Array.from({ length: limits.trialLines + 1 }, () => 'x').join('\n');
  for (const bad of ['', ' \n ', lines]) {
    expect(readTrial({ ...input, lines: bad })).toMatchObject({
      ok: false,
      faults: { lines: expect.any(String) as string },
    });
  }
});

test('recorded events are of a domain, or of the topics of an agent', () => {
  const newest = { ...input, source: 'newest' as const, last: '500' };
  expect(readTrial({ ...newest, domain: ' wifi ' })).toEqual({
    ok: true,
    body: { rules: [RULE], domain: 'wifi', last: 500 },
  });
  expect(readTrial({ ...newest, agent: 'a-1' })).toEqual({
    ok: true,
    body: { rules: [RULE], agent_id: 'a-1', last: 500 },
  });
  expect(readTrial(newest)).toMatchObject({
    ok: false,
    faults: { domain: expect.any(String) as string },
  });
  expect(readTrial({ ...newest, domain: 'logs.>' })).toMatchObject({
    ok: false,
    faults: { domain: expect.any(String) as string },
  });
  for (const last of ['0', '100001', '1e3', '-1', '']) {
    expect(readTrial({ ...newest, domain: 'wifi', last })).toMatchObject({
      ok: false,
      faults: { last: expect.any(String) as string },
    });
  }
});

test('a time is from the local clock, ends after it begins, and may end now', () => {
  const range = { ...input, source: 'range' as const, domain: 'wifi', from: '2026-11-21T10:00' };
  const from = new Date('2026-11-21T10:00').toISOString();
  expect(readTrial(range)).toEqual({ ok: true, body: { rules: [RULE], domain: 'wifi', from } });
  const to = new Date('2026-11-21T11:00').toISOString();
  expect(readTrial({ ...range, to: '2026-11-21T11:00' })).toMatchObject({
    ok: true,
    body: { from, to },
  });
  expect(readTrial({ ...range, to: '2026-11-21T10:00' })).toMatchObject({ ok: false });
  expect(readTrial({ ...range, from: '' })).toMatchObject({ ok: false });
});

test('what is wrong is told of every field at once', () => {
  const read = readTrial({ ...input, rules: '', lines: '' });
  expect(read.ok ? [] : Object.keys(read.faults)).toEqual(['rules', 'lines']);
});

test('among its others a rule takes the place of the one with its id; strangers are added', () => {
  const others = [
    { id: 'a', pattern: '1' },
    { id: 'b', pattern: '2' },
  ];
  const given = [{ id: 'b', pattern: 'new' }, { id: 'c' }, 7];
  expect(amongOthers(others, given)).toEqual([others[0], given[0], given[1], 7]);
  expect(amongOthers(others, [])).toEqual(others);
});
