import { createHash } from 'node:crypto';
import { FINDING_NAMESPACE, Finding, parse } from '@opmas/protocol';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { AgentError } from './errors.ts';
import { bounded, type FindingDraft, makeFinding } from './finding.ts';
import { findingId, uuidV5 } from './finding-id.ts';
import { limits } from './limits.ts';
import { fakeClock } from './testing/fake-clock.ts';
import { EventScope } from './work/scope.ts';

const event = { event_id: 'e1', timestamp: '2026-01-01T00:00:00Z', type: 'auth', message: 'm' };
const origin = () => ({
  agentId: 'a-1',
  agentName: 'A',
  clock: fakeClock(),
  scope: new EventScope(event, 'logs.auth'),
});
const draft: FindingDraft = { type: 't', severity: 'info', description: 'd' };

test('ids follow from agent, rule or type, key and event, and are version 5', () => {
  const cause = { agentName: 'A', subject: 'r', key: 0, eventId: 'e' };
  const id = findingId(cause);
  expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  expect(findingId({ ...cause })).toBe(id);
  expect(id).toBe(uuidV5('["A","r",0,"e"]'));
  for (const other of [{ agentName: 'B' }, { subject: 's' }, { key: 1 }, { eventId: 'f' }]) {
    expect(findingId({ ...cause, ...other })).not.toBe(id);
  }
});

test('are those of RFC 9562, however long the name and whatever its characters', () => {
  const namespace = Buffer.from(FINDING_NAMESPACE.replaceAll('-', ''), 'hex');
  const reference = (name: string): string => {
    const bytes = createHash('sha1').update(namespace).update(name, 'utf8').digest();
    bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x50, 6);
    bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
    const groups = /^(.{8})(.{4})(.{4})(.{4})(.{12})/.exec(bytes.toString('hex'));
    return groups?.slice(1).join('-') ?? '';
  };
  const unit = fc.constantFrom('a', 'é', '€', '😀', '\ud83d');
  fc.assert(
    fc.property(fc.string({ unit, maxLength: 1_000 }), (name) => {
      expect(uuidV5(name)).toBe(reference(name));
    }),
  );
  expect(uuidV5('€'.repeat(5_000))).toBe(reference('€'.repeat(5_000)));
});

test('the order among findings of one rule decides, not other rules before it', () => {
  const withRule = (rule_id: string): FindingDraft => ({ ...draft, details: { rule_id } });
  const before = origin();
  const alone = [makeFinding(withRule('r1'), before), makeFinding(withRule('r1'), before)];
  const after = origin();
  makeFinding(withRule('r0'), after);
  const among = [makeFinding(withRule('r1'), after), makeFinding(withRule('r1'), after)];
  expect(among.map((f) => f.finding_id)).toEqual(alone.map((f) => f.finding_id));
  expect(alone[0]?.finding_id).not.toBe(alone[1]?.finding_id);
});

test('a dedupe key makes two findings of one event the same one', () => {
  const at = origin();
  const keyed = { ...draft, dedupeKey: '203.0.113.9' };
  expect(makeFinding(keyed, at).finding_id).toBe(makeFinding(keyed, at).finding_id);
});

test('every wrong field is named', () => {
  const wrong = { ...draft, type: '', severity: 'loud' } as unknown as FindingDraft;
  expect(() => makeFinding(wrong, origin())).toThrow(AgentError);
  expect(() => makeFinding(wrong, origin())).toThrow(/type.*severity|severity.*type/);
});

test('an oversized finding is cut with a mark and keeps what identifies it', () => {
  const details = {
    rule_id: 'r',
    event: { ...event, message: 'x'.repeat(900_000) },
    extra: Array.from({ length: 50 }, () => 'y'.repeat(20_000)),
  };
  const finding = makeFinding({ ...draft, details }, origin());
  expect(Buffer.byteLength(JSON.stringify(finding))).toBeLessThanOrEqual(limits.findingBytes);
  expect(finding.details).toMatchObject({ rule_id: 'r', event_id: 'e1', truncated: true });
  expect(finding.details.event?.['message']).toMatch(/^x+… \[\d+ characters cut\]$/);
});

test('whatever an author puts into details, the result is a finding within bounds', () => {
  fc.assert(
    fc.property(fc.object({ maxDepth: 4 }), fc.string({ maxLength: 9_000 }), (details, text) => {
      const made = attempt({ ...draft, description: text, details });
      if (made === undefined) return;
      expect(parse(Finding, made).ok).toBe(true);
      expect(bounded(made)).toEqual(made);
    }),
  );
});

test('what writes itself, or takes six bytes a character, is measured as it is written', () => {
  const heavy = { toJSON: () => 'z'.repeat(limits.findingBytes) };
  const finding = makeFinding(draft, origin());
  const sly = { ...finding, details: { ...finding.details, heavy } };
  expect(bounded(sly).details).toMatchObject({ truncated: true });
  const control = '\u0001'.repeat(limits.findingBytes / 6);
  const escaped = { ...finding, details: { ...finding.details, control } };
  expect(Buffer.byteLength(JSON.stringify(bounded(escaped)))).toBeLessThanOrEqual(
    limits.findingBytes,
  );
});

/** Undefined when the details contradict the meaning of their names, which is refused by name. */
function attempt(given: FindingDraft): Finding | undefined {
  try {
    return makeFinding(given, origin());
  } catch (error) {
    expect(error).toBeInstanceOf(AgentError);
    return undefined;
  }
}
