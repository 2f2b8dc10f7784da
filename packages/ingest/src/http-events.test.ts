/** What `POST /events` accepts, fills, rejects and repeats. */
import { check, LogEvent, limits } from '@opmas/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type PostedEvents, readEvents } from './http-events.ts';
import { createRouter } from './routing.ts';

const now = Date.UTC(2026, 10, 21, 9);

function read(body: unknown, more: Partial<PostedEvents> = {}) {
  let ids = 0;
  const bytes =
    body instanceof Uint8Array
      ? body
      : Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
  return readEvents(
    { body: bytes, ...more },
    { now, newId: () => `id-${ids++}`, router: createRouter([{ program: 'pbx', domain: 'voip' }]) },
  );
}

function taken(body: unknown, more: Partial<PostedEvents> = {}) {
  const result = read(body, more);
  if (!result.ok) throw new Error(`${result.code}: ${result.detail}`);
  return result;
}

const ndjson = { contentType: 'application/x-ndjson; charset=utf-8' };
const events = (result: ReturnType<typeof taken>): unknown[] =>
  result.batches.flatMap((batch) => batch.lines.map((line): unknown => JSON.parse(line)));

describe('readEvents', () => {
  it('fills what is missing and routes by the table', () => {
    const result = taken({ message: 'Bad password', program: 'dropbear' });
    expect(result).toMatchObject({
      accepted: 1,
      rejected: [],
      batches: [{ topic: 'logs.auth', ids: ['id-0'] }],
    });
    expect(events(result)).toEqual([
      {
        event_id: 'id-0',
        timestamp: '2026-11-21T09:00:00.000Z',
        type: 'auth',
        message: 'Bad password',
        program: 'dropbear',
        received_at: '2026-11-21T09:00:00.000Z',
      },
    ]);
  });

  it('keeps what the client gave, extra fields too, with times in UTC', () => {
    const event = {
      event_id: 'mine',
      timestamp: '2026-11-21T10:00:00+02:00',
      type: 'login_failed',
      message: 'm',
      vendor: { a: [1] },
    };
    expect(events(taken([event]))).toEqual([
      { ...event, timestamp: '2026-11-21T08:00:00.000Z', received_at: '2026-11-21T09:00:00.000Z' },
    ]);
  });

  it('stamps when an event came in itself, whatever the client says of that', () => {
    for (const received_at of ['1999-01-01T00:00:00Z', '2999-01-01T00:00:00Z']) {
      expect(events(taken([{ message: 'm', received_at }]))).toMatchObject([
        { received_at: '2026-11-21T09:00:00.000Z' },
      ]);
    }
  });

  it.each([
    ['?domain', { message: 'm', type: 'wifi' }, 'security', 'logs.security'],
    [
      'a known type',
      { message: 'm', type: 'security', program: 'hostapd' },
      undefined,
      'logs.security',
    ],
    ["a type of the user's table", { message: 'm', type: 'voip' }, undefined, 'logs.voip'],
    ['the table', { message: 'm', type: 'odd', program: 'hostapd' }, undefined, 'logs.wifi'],
    ['nothing', { message: 'm' }, undefined, 'logs.system'],
  ])('takes the domain from %s', (_name, event, domain, topic) => {
    expect(taken(event, { domain }).batches).toMatchObject([{ topic }]);
  });

  it('rejects bad events one by one, with place and reason', () => {
    const deep = JSON.parse(`${'{"a":'.repeat(40)}1${'}'.repeat(40)}`) as unknown;
    const result = taken([
      { message: 'good' },
      { type: 'x' },
      'text',
      null,
      { message: 'm', timestamp: 'yesterday' },
      { message: 'm', pid: -1, host: 7 },
      { message: 'm', event_id: 12 },
      { message: 'm', fields: deep },
      { message: 'good too' },
    ]);
    expect(result.accepted).toBe(2);
    expect(result.rejected.map(({ index }) => index)).toEqual([1, 2, 3, 4, 5, 6, 7]);
    const errors = result.rejected.map(({ error }) => error);
    expect(errors[0]).toContain('missing message');
    expect(errors[1]).toContain('must be a JSON object');
    expect(errors[3]).toContain('timestamp');
    expect(errors[4]).toMatch(/host.*pid|pid.*host/s);
    expect(errors[5]).toContain('event_id');
    expect(errors[6]).toContain('nested deeper');
  });

  it('reads NDJSON, skipping blank lines and rejecting broken ones', () => {
    const body = Buffer.concat([
      Buffer.from('\ufeff{"message":"a"}\r\n\n{"message":\n'),
      Buffer.from([0x22, 0xff, 0x22, 10]),
      Buffer.from('{"message":"b"}'),
    ]);
    const result = taken(body, ndjson);
    expect(result.accepted).toBe(2);
    expect(result.rejected.map(({ index }) => index)).toEqual([1, 2]);
    expect(result.rejected[0]?.error).toContain('not JSON');
    expect(result.rejected[1]?.error).toBe('not UTF-8');
  });

  it.each([
    ['not JSON', '{"message"', {}, 'OPMAS_INVALID_REQUEST'],
    ['not UTF-8', new Uint8Array([0x22, 0xff, 0x22]), {}, 'OPMAS_INVALID_REQUEST'],
    ['an empty body', '', ndjson, 'OPMAS_INVALID_REQUEST'],
    ['an empty list', [], {}, 'OPMAS_INVALID_REQUEST'],
    ['a bad domain', { message: 'm' }, { domain: 'a.>' }, 'OPMAS_INVALID_REQUEST'],
    ['another media type', 'x', { contentType: 'text/plain' }, 'OPMAS_UNSUPPORTED_MEDIA'],
    ['too many in a list', Array(10_001).fill({ message: 'm' }), {}, 'OPMAS_TOO_LARGE'],
    ['too many lines', '{}\n'.repeat(10_001), ndjson, 'OPMAS_TOO_LARGE'],
    ['too many bytes', new Uint8Array(limits.httpEventsBytes + 1), {}, 'OPMAS_TOO_LARGE'],
  ])('refuses %s as a whole', (_name, body, more, code) => {
    expect(read(body, more)).toMatchObject({ ok: false, code });
  });

  it('rejects an event over 1 MB and takes one just under it', () => {
    const result = taken([{ message: 'x'.repeat(999_999) }, { message: 'x'.repeat(999_000) }]);
    expect(result.rejected).toHaveLength(1);
    expect(result.rejected[0]).toMatchObject({ index: 0 });
    expect(result.rejected[0]?.error).toMatch(/bytes of JSON; at most 1000000/);
    expect(result.accepted).toBe(1);
  });

  it('replaces what no database text can hold', () => {
    const result = taken('{"message":"a\\u0000b","fields":{"k\\ud800":["\\udc00"]}}');
    expect(events(result)).toMatchObject([
      { message: 'a\ufffdb', fields: { 'k\ufffd': ['\ufffd'] } },
    ]);
  });

  it('survives 100,000 levels of nesting', () => {
    const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
    expect(taken(`{"message":"m","fields":{"a":${deep}}}`).rejected).toHaveLength(1);
    expect(taken(deep).accepted).toBe(0);
  });

  it('gives a retried body the same message ids, and any other content others', () => {
    const list = Array.from({ length: 1200 }, (_, n) => ({
      event_id: `e${n}`,
      type: n % 3 === 0 ? 'wifi' : 'auth',
      message: `m${n}`,
    }));
    const ids = (body: unknown) => taken(body).batches.map((batch) => batch.msg_id);
    expect(ids(list)).toEqual(ids(list));
    expect(new Set(ids(list)).size).toBe(3);
    const changed = list.map((event) => ({ ...event, message: `${event.message}!` }));
    expect(ids(changed).filter((id) => ids(list).includes(id))).toEqual([]);
    expect(taken(list).batches.map(({ topic, lines }) => [topic, lines.length])).toEqual([
      ['logs.auth', 500],
      ['logs.wifi', 400],
      ['logs.auth', 300],
    ]);
  });

  it('never throws, accounts for every event, and what it accepts is valid', () => {
    const value = fc.oneof(
      fc.json(),
      fc
        .record({ message: fc.string(), fields: fc.dictionary(fc.string(), fc.jsonValue()) })
        .map((event) => JSON.stringify(event)),
      fc.string(),
    );
    fc.assert(
      fc.property(fc.array(value, { minLength: 1, maxLength: 20 }), (lines) => {
        const result = read(lines.join('\n'), ndjson);
        if (!result.ok) return;
        const published = result.batches.flatMap((batch) => batch.lines);
        expect(published).toHaveLength(result.accepted);
        for (const line of published) expect(check(LogEvent, JSON.parse(line))).toBe(true);
        expect(new Set(result.rejected.map(({ index }) => index)).size).toBe(
          result.rejected.length,
        );
      }),
      { numRuns: 1000 },
    );
  });
});
