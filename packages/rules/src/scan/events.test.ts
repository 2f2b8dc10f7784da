import { check, LogEvent } from '@opmas/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MEMBERS } from './event-form.ts';
import { isSurelyEvent } from './events.ts';
import { plain, scansOf } from './testing.ts';

const scans = scansOf(plain('needle'));

/** What each scan says of the lines; undefined of those whose message it does not know. */
function judged(text: string): (boolean | undefined)[][] {
  return scans.map((scan) => {
    // What the text before left behind proves nothing.
    scan.arena.text.fill('"}\n', Buffer.byteLength(text), Buffer.byteLength(text) + 64);
    const count = scan.gatherMessages(scan.arena.text.write(text));
    return Array.from({ length: count }, (_, line) =>
      scan.arena.isSuspect(line) ? undefined : scan.arena.isEvent(line),
    );
  });
}

const EVENT = {
  event_id: '01JCZ9M8QK7W3R5T0000000001',
  timestamp: '2026-11-21T09:05:01.250Z',
  type: 'auth',
  message: 'Bad password attempt for “root”, né à Zürich',
  received_at: '2026-12-31T23:59:59.999Z',
  host: 'ap-17',
  source_ip: '192.168.1.17',
  program: 'dropbear',
  pid: 1204,
  facility: 'daemon',
  severity: 'info',
};

describe('is a line an event for sure?', () => {
  it('knows every member of the schema but objects', () => {
    const known = MEMBERS.map(({ opening }) => opening.slice(1, opening.indexOf(':') - 1));
    const { fields: _fields, ...others } = LogEvent.properties;
    expect(known).toEqual(Object.keys(others));
  });

  it('is what OPMAS writes, with what may be missing, in any order', () => {
    const whole = Object.entries(EVENT);
    const { event_id, timestamp, type, message } = EVENT;
    const events = [
      EVENT,
      { event_id, timestamp, type, message },
      Object.fromEntries(whole.reverse()),
    ];
    const text = events.map((event) => JSON.stringify(event)).join('\n');
    for (const answers of judged(text)) expect(answers).toEqual([true, true, true]);
  });

  const line = (over: object) => JSON.stringify({ ...EVENT, ...over });
  it.each([
    ['a member too many', line({ of_mine: 1 })],
    ['an object', line({ fields: {} })],
    ['nothing for its id', line({ event_id: '' })],
    ['a type too long', line({ type: 'x'.repeat(65) })],
    ['no type', line({ type: undefined })],
    ['a number for a text', line({ host: 7 })],
    ['a text for a number', line({ pid: '7' })],
    ['a pid below nothing', line({ pid: -1 })],
    ['half a pid', line({ pid: 1.5 })],
    ['a pid beyond all', line({ pid: 1e9 })],
    ['a pid with a zero in front', line({}).replace('1204', '01204')],
    ['no pid', line({}).replace('1204', '')],
    ['null', line({ pid: null })],
    ['a member twice', line({}).replace('{', '{"host":"a",')],
    ['white space', line({}).replace(':', ': ')],
    ['white space behind', `${line({})} `],
    ['two objects', `${line({})}${line({}).replace('message', 'type')}`],
    ['a comma too many', line({}).replace('}', ',}')],
    ['no end', line({}).slice(0, -1)],
    ['no end of a text', line({}).slice(0, -2)],
    ['another end', `${line({}).slice(0, -1)}]`],
    ['a tab in a text', line({}).replace('ap-17', 'ap\t17')],
    ...[
      '0999-01-01T00:00:00.000Z',
      '2026-00-01T00:00:00.000Z',
      '2026-13-01T00:00:00.000Z',
      '2026-11-00T00:00:00.000Z',
      '2026-11-31T00:00:00.000Z',
      '2024-02-29T00:00:00.000Z',
      '2026-11-21T24:00:00.000Z',
      '2026-11-21T09:60:00.000Z',
      '2026-11-21T09:05:60.000Z',
      '2026-11-21T09:05:01Z',
      '2026-11-21 09:05:01.250Z',
      '2026-11-21T09:05:01.250z',
      '2026-11-21T09:05:01.2500Z',
      '2026:11-21T09:05:01.250Z',
    ].map((timestamp) => [timestamp, line({ timestamp })]),
  ])('is not known of one with %s', (_, text) => {
    for (const [answer] of judged(String(text))) expect(answer).toBe(false);
  });

  it('is said alike by both, and only of what is one', () => {
    const digits = fc.constantFrom(
      '0',
      '7',
      '42',
      '007',
      '1204',
      '123456789',
      '1234567890',
      '-1',
      '',
    );
    const text = fc.oneof(
      fc.string({ maxLength: 40, unit: 'grapheme' }),
      fc.constantFrom(
        'a',
        'ap-17',
        'x'.repeat(15),
        'y'.repeat(64),
        'z'.repeat(256),
        '',
        '\t',
        '"',
        '\\n',
        '\\"',
      ),
    );
    const time = fc.oneof(
      fc.date({ noInvalidDate: true }).map((date) => date.toISOString()),
      fc
        .tuple(fc.nat(12), fc.nat(32), fc.nat(25), fc.nat(61), fc.nat(61))
        .map((parts) => parts.map((part) => String(part).padStart(2, '0')))
        .map(
          ([month, day, hour, minute, second]) =>
            `2026-${month}-${day}T${hour}:${minute}:${second}.001Z`,
        ),
      fc.constantFrom('2026-11-21T09:05:01Z', '', 'now'),
    );
    const member = fc.constantFrom(...MEMBERS).chain(({ opening, kind }) => {
      const value = { string: text, time, integer: digits }[kind];
      return value.map((each) => `${opening}${each}${kind === 'integer' ? '' : '"'}`);
    });
    const valid = fc
      .tuple(time, fc.array(member, { maxLength: 4 }))
      .map(([at, more]) => [
        '"event_id":"e1"',
        `"timestamp":"${at}"`,
        '"type":"auth"',
        '"message":"Bad password"',
        ...more,
      ]);
    const members = fc.oneof({ weight: 3, arbitrary: valid }, fc.array(member, { maxLength: 8 }));
    const object = fc
      .tuple(members, fc.nat(3_000), fc.constantFrom('', '', '', ',', '}', '{', '"', 'x', '0', ' '))
      .map(([all, at, odd]) => {
        const whole = `{${all.join(',')}}`;
        return odd === ''
          ? whole
          : `${whole.slice(0, at % whole.length)}${odd}${whole.slice((at % whole.length) + 1)}`;
      })
      .filter((json) => !json.includes('\n'));
    let sure = 0;
    fc.assert(
      fc.property(fc.array(object, { minLength: 1, maxLength: 5 }), (lines) => {
        const [one, other] = judged(lines.join('\n'));
        expect(one).toEqual(other);
        for (const [at, answer] of (one ?? []).entries()) {
          const json = lines[at] ?? '';
          if (answer === undefined) continue;
          expect(answer).toBe(isSurelyEvent(Buffer.from(json).toString('latin1')));
          if (!answer) continue;
          sure += 1;
          expect(check(LogEvent, JSON.parse(json))).toBe(true);
        }
      }),
      { numRuns: 2_000 },
    );
    expect(sure).toBeGreaterThan(100);
  });
});
