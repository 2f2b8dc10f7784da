/** Times as they are read: the quick way says what Date.parse says. */
import type { LogEvent } from '@opmas/protocol';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { arrivalOf, eventTime } from './event-time.ts';

const event = (timestamp: string, received_at?: string): LogEvent => ({
  event_id: 'e',
  type: 't',
  message: '',
  timestamp,
  ...(received_at === undefined ? {} : { received_at }),
});

/** After all times that are made here. */
const NOW = 5e12;

it('reads every time as Date.parse does', () => {
  const dates = fc.date({ noInvalidDate: true, min: new Date(0), max: new Date(4e12) });
  const spoilt = fc
    .tuple(dates, fc.nat({ max: 23 }), fc.constantFrom('x', ' ', '9', '-', ':', '.', 'Z'))
    .map(([date, at, char]) => {
      const text = date.toISOString();
      return text.slice(0, at) + char + text.slice(at + 1);
    });
  const texts = fc.oneof(
    dates.map((date) => date.toISOString()),
    dates.map((date) => date.toISOString().replace('Z', '+02:00')),
    spoilt,
    fc.string(),
  );
  fc.assert(
    fc.property(fc.array(texts), (list) => {
      for (const text of list) {
        const parsed = Date.parse(text);
        const wanted = Number.isNaN(parsed) || parsed > NOW + 60_000 ? NOW : parsed;
        expect(arrivalOf(event('', text), NOW), text).toBe(wanted);
      }
    }),
    { numRuns: 1_000 },
  );
});

it('holds the own time to the arrival, and takes the arrival for what is no time', () => {
  const at = (second: string) => `2026-01-01T00:00:${second}.000Z`;
  const arrived = Date.parse(at('30'));
  expect(eventTime(event(at('25')), arrived, 10_000)).toBe(arrived - 5_000);
  expect(eventTime(event(at('15')), arrived, 10_000)).toBe(arrived - 10_000);
  expect(eventTime(event(at('45')), arrived, 10_000)).toBe(arrived + 10_000);
  expect(eventTime(event('soon'), arrived, 10_000)).toBe(arrived);
});

it('an arrival that has still to come is now: nobody can make time pass for others', () => {
  const now = Date.parse('2026-01-01T00:00:00.000Z');
  const arrival = (text: string) => arrivalOf(event(text, text), now) - now;
  expect(arrival('2026-01-01T00:01:00.000Z')).toBe(60_000);
  expect(arrival('2026-01-01T00:01:00.001Z')).toBe(0);
  expect(arrival('2099-01-01T00:00:00Z')).toBe(0);
  expect(arrival('2025-12-31T00:00:00.000Z')).toBe(-86_400_000);
});
