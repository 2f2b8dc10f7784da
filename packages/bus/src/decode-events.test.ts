/** decodeEvents: every legal form is read, nothing hostile throws. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeEvents } from './decode-events.ts';

const bytes = (text: string) => Buffer.from(text);
const one = { event_id: '1', message: 'Bad password for \u00e9 \u{1f600}' };
const two = { event_id: '2', message: 'line\nbreak inside' };

describe('decodeEvents', () => {
  it.each([
    ['one object', JSON.stringify(one), [one]],
    ['one object over several lines', JSON.stringify(two, null, 2), [two]],
    ['an array', JSON.stringify([one, two]), [one, two]],
    ['an array over several lines', JSON.stringify([one, two], null, 2), [one, two]],
    ['NDJSON', `${JSON.stringify(one)}\n${JSON.stringify(two)}`, [one, two]],
    [
      'NDJSON with CRLF and blank lines',
      `\r\n${JSON.stringify(one)}\r\n\r\n${JSON.stringify(two)}\r\n`,
      [one, two],
    ],
  ])('reads %s', (_, text, events) => {
    expect(decodeEvents(bytes(text))).toEqual({ events, errors: [], rejected: 0 });
  });

  it('reads a view into a larger buffer', () => {
    const buffer = bytes(`xx${JSON.stringify(one)}yy`);
    expect(decodeEvents(buffer.subarray(2, -2)).events).toEqual([one]);
  });

  it('keeps the good lines and names the bad ones by place', () => {
    const result = decodeEvents(
      bytes(`${JSON.stringify(one)}\n{"broken\n42\n[]\nnull\n${JSON.stringify(two)}`),
    );
    expect(result.events).toEqual([one, two]);
    expect(result.rejected).toBe(4);
    expect(result.errors.map((error) => error.index)).toEqual([1, 2, 3, 4]);
    expect(result.errors[0]?.excerpt).toBe('{"broken');
  });

  it.each(['', ' \n ', '"text"', 'nonsense', '{', '[', '[1,', '\u0000'])(
    'rejects %j without throwing',
    (text) => {
      const result = decodeEvents(bytes(text));
      expect(result.events).toEqual([]);
      expect(result.rejected).toBe(1);
    },
  );

  it('does not let two broken lines make a whole', () => {
    const result = decodeEvents(bytes('{"a":1\n"b":2}'));
    expect(result).toMatchObject({ events: [], rejected: 2 });
  });

  it('takes at most 1,000 events, counts the rest, and lists at most 100 faults', () => {
    const result = decodeEvents(bytes(Array.from({ length: 1_500 }, () => '{}').join('\n')));
    expect(result.events).toHaveLength(1_000);
    expect(result.rejected).toBe(500);
    expect(result.errors).toHaveLength(100);
  });

  it('refuses an event over 1,000,000 bytes and a payload over 8 MiB', () => {
    const large = JSON.stringify({ message: 'x'.repeat(1_000_001) });
    expect(decodeEvents(bytes(large))).toMatchObject({ events: [], rejected: 1 });
    expect(decodeEvents(bytes(`[{},${large}]`))).toMatchObject({ events: [{}], rejected: 1 });
    expect(decodeEvents(Buffer.alloc(8 * 1024 * 1024 + 1, 32))).toMatchObject({
      events: [],
      rejected: 1,
    });
  });

  it('does not take __proto__ for a prototype', () => {
    const [event] = decodeEvents(bytes('{"__proto__":{"admin":true}}')).events;
    expect(event?.['admin']).toBeUndefined();
  });

  it('never throws, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (data) => {
        const result = decodeEvents(data);
        expect(result.rejected).toBeGreaterThanOrEqual(result.errors.length);
      }),
    );
  });

  it('gives back any objects written as array or as NDJSON', () => {
    fc.assert(
      fc.property(
        fc.array(fc.dictionary(fc.string(), fc.jsonValue()), { minLength: 1, maxLength: 20 }),
        (objects) => {
          const clean: unknown = JSON.parse(JSON.stringify(objects));
          expect(decodeEvents(bytes(JSON.stringify(clean))).events).toEqual(clean);
          const lines = objects.map((object) => JSON.stringify(object)).join('\n');
          expect(decodeEvents(bytes(lines)).events).toEqual(clean);
        },
      ),
    );
  });
});
