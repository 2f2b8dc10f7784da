/** No name, however hostile, becomes a wildcard, a second token, or another agent's subject. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  agentNameOf,
  consumerName,
  hostIdOf,
  inboxPrefix,
  isFindingsTopic,
  isLogTopic,
  SubjectError,
  serverSubjects,
  streams,
  subjects,
  TOKEN,
  token,
} from './subjects.ts';

const legal = fc.stringMatching(/^[A-Za-z0-9_-]{1,64}$/);
const hostile = fc.oneof(
  fc.string(),
  fc.string({ unit: 'binary' }),
  fc.constantFrom(
    '',
    '*',
    '>',
    'a.b',
    'a b',
    'a\tb',
    'a\n',
    '\u0000',
    'ä',
    '.',
    '..',
    'a.>',
    '$JS',
  ),
  legal.map((name) => `${name}.`),
  legal.map((name) => `${name}\n`),
  legal.map((name) => name.padEnd(65, 'x')),
);

const ofName = {
  logs: subjects.logs,
  findings: subjects.findings,
  control: subjects.control,
  heartbeat: subjects.heartbeat,
  status: subjects.status,
  metrics: subjects.metrics,
  agentLogs: subjects.agentLogs,
  deadLetter: subjects.deadLetter,
  hostActual: subjects.hostActual,
  hostLaunch: subjects.hostLaunch,
  collectorStats: subjects.collectorStats,
  controlInstance: (name: string) => subjects.controlInstance(name, 'i'),
  instance: (name: string) => subjects.controlInstance('a', name),
  inbox: inboxPrefix,
  consumer: (name: string) => consumerName(name, 'logs.security'),
};

describe.each(Object.entries(ofName))('%s', (_, build) => {
  const tokens = build('name').split('.').length;

  test('keeps its number of tokens and holds no wildcard for any name, or refuses it', () => {
    fc.assert(
      fc.property(fc.oneof(legal, hostile), (name) => {
        if (!TOKEN.test(name)) {
          expect(() => build(name)).toThrow(SubjectError);
          return;
        }
        const subject = build(name);
        expect(subject.split('.')).toHaveLength(tokens);
        expect(subject).not.toMatch(/[*>\s]/);
      }),
    );
  });

  test('two names never share a subject', () => {
    fc.assert(
      fc.property(legal, legal, (one, two) => {
        expect(build(one) === build(two)).toBe(one === two);
      }),
    );
  });
});

test('a token is returned as it is, and a refusal shows the value, cut', () => {
  fc.assert(fc.property(legal, (name) => token(name) === name));
  expect(() => token('x'.repeat(1_000_000))).toThrow(/cannot stand in a subject/);
  try {
    token('*'.repeat(10_000));
  } catch (error) {
    expect(String(error).length).toBeLessThan(300);
  }
});

test('what was built is read back, and nothing else is', () => {
  fc.assert(
    fc.property(legal, (name) => {
      for (const build of [
        subjects.heartbeat,
        subjects.status,
        subjects.metrics,
        subjects.agentLogs,
        subjects.deadLetter,
      ]) {
        expect(agentNameOf(build(name))).toBe(name);
        expect(agentNameOf(`${build(name)}.x`)).toBeUndefined();
      }
      expect(hostIdOf(subjects.hostActual(name))).toBe(name);
      expect(hostIdOf(subjects.hostLaunch(name))).toBe(name);
      expect(hostIdOf(subjects.collectorStats(name))).toBe(name);
      expect(agentNameOf(subjects.control(name))).toBeUndefined();
    }),
  );
  fc.assert(
    fc.property(fc.string(), (text) => {
      const name = agentNameOf(text);
      if (name !== undefined) expect(name).toMatch(TOKEN);
      const host = hostIdOf(text);
      if (host !== undefined) expect(host).toMatch(TOKEN);
    }),
  );
});

test('consumers of different agents or topics never share a name', () => {
  const topic = fc
    .array(legal, { minLength: 1, maxLength: 8 })
    .map((parts) => `logs.${parts.join('.')}`);
  fc.assert(
    fc.property(legal, topic, legal, topic, (agentA, topicA, agentB, topicB) => {
      expect(consumerName(agentA, topicA) === consumerName(agentB, topicB)).toBe(
        agentA === agentB && topicA === topicB,
      );
    }),
  );
});

test.each([
  'logs',
  'logs.',
  'logs.*',
  'logs.>',
  'logs.a b',
  'logs..a',
  '.logs.a',
  'findings.a',
  'LOGS.a',
])('%s is no log topic', (topic) => {
  expect(isLogTopic(topic)).toBe(false);
  expect(() => consumerName('a', topic)).toThrow(SubjectError);
});

test('topics are concrete and of their kind', () => {
  expect(isLogTopic('logs.security')).toBe(true);
  expect(isLogTopic('logs.site-1.wifi')).toBe(true);
  expect(isFindingsTopic('findings.security')).toBe(true);
  expect(isFindingsTopic('logs.security')).toBe(false);
  expect(isFindingsTopic('findings.>')).toBe(false);
});

test('an event kind becomes as many tokens as it has parts', () => {
  expect(subjects.event('finding.recorded')).toBe('opmas.events.finding.recorded');
  fc.assert(
    fc.property(hostile, (kind) => {
      if (kind.split('.').every((part) => TOKEN.test(part))) return;
      expect(() => subjects.event(kind)).toThrow(SubjectError);
    }),
  );
});

test('every published subject belongs to one stream at most', () => {
  const all = Object.values(streams).flatMap(({ subjects: list }) => list.map(String));
  expect(new Set(all).size).toBe(all.length);
  const covered = (subject: string) =>
    Object.values(streams).filter(({ subjects: list }) =>
      list.some((pattern) => matches(pattern, subject)),
    ).length;
  for (const build of [
    subjects.status,
    subjects.metrics,
    subjects.agentLogs,
    subjects.deadLetter,
  ]) {
    expect(covered(build('a'))).toBe(1);
  }
  for (const subject of [
    subjects.heartbeat('a'),
    subjects.control('a'),
    ...Object.values(serverSubjects),
  ]) {
    expect(covered(subject)).toBe(0);
  }
});

function matches(pattern: string, subject: string): boolean {
  const wanted = pattern.split('.');
  const given = subject.split('.');
  if (wanted.at(-1) === '>') {
    return (
      given.length >= wanted.length &&
      wanted.slice(0, -1).every((t, i) => t === '*' || t === given[i])
    );
  }
  return wanted.length === given.length && wanted.every((t, i) => t === '*' || t === given[i]);
}
