/** The event made of a line: its times, its fields, and what it keeps of an unbelievable clock. */
import { check, LogEvent } from '@opmas/protocol';
import { expect, it } from 'vitest';
import { normalise, utc } from './normalise.ts';
import { parseSyslog } from './syslog.ts';

const receivedAt = Date.UTC(2026, 10, 21, 9, 0, 0, 42);

function eventOf(text: string, more: { sourceIp?: string; truncated?: boolean } = {}): LogEvent {
  const line = parseSyslog(text, receivedAt);
  return normalise(line, { eventId: 'e-1', receivedAt, domain: 'auth', ...more });
}

it('carries everything the line says', () => {
  const event = eventOf(
    '<86>1 2026-11-21T08:14:49.5+01:00 ap /usr/sbin/sshd 77 LOGIN [a@1 x="1"] hello',
    { sourceIp: '192.0.2.1' },
  );
  expect(event).toEqual({
    event_id: 'e-1',
    timestamp: '2026-11-21T07:14:49.500Z',
    type: 'auth',
    message: 'hello',
    received_at: '2026-11-21T09:00:00.042Z',
    host: 'ap',
    source_ip: '192.0.2.1',
    program: 'sshd',
    pid: 77,
    facility: 'authpriv',
    severity: 'info',
    fields: { 'a@1': { x: '1' }, msg_id: 'LOGIN', program_path: '/usr/sbin/sshd' },
  });
  expect(check(LogEvent, event)).toBe(true);
});

it('takes the receive time when the device gives none, and leaves fields out when empty', () => {
  expect(eventOf('just text')).toEqual({
    event_id: 'e-1',
    timestamp: '2026-11-21T09:00:00.042Z',
    type: 'auth',
    message: 'just text',
    received_at: '2026-11-21T09:00:00.042Z',
  });
});

it.each([
  ['<13>1 1970-01-01T00:00:12Z ap p - - - x', '1970-01-01T00:00:12.000Z'],
  ['<13>1 2026-11-23T09:00:00Z ap p - - - x', '2026-11-23T09:00:00.000Z'],
])('does not believe an absurd clock, but keeps what it said: %s', (text, deviceTime) => {
  expect(eventOf(text)).toMatchObject({
    timestamp: '2026-11-21T09:00:00.042Z',
    fields: { device_time: deviceTime },
  });
});

it('believes a device that is some hours off, and an old line', () => {
  expect(eventOf('<13>1 2026-11-21T21:00:00Z ap p - - - x').timestamp).toBe(
    '2026-11-21T21:00:00.000Z',
  );
  expect(eventOf('<13>1 2012-11-21T21:00:00Z ap p - - - x').timestamp).toBe(
    '2012-11-21T21:00:00.000Z',
  );
});

it('says when a line was cut, whatever the sender named its fields', () => {
  const event = eventOf('<13>1 - - - - - [truncated x="1"] m', { truncated: true });
  expect(event.fields).toEqual({ truncated: true });
});

it('clips a host and a program to what the schema allows', () => {
  const event = eventOf(`<13>1 - ${'h'.repeat(300)} ${'p'.repeat(300)} - - - x`);
  expect(event.host).toBe('h'.repeat(255));
  expect(event.program).toBe('p'.repeat(255));
});

it('writes times as toISOString does', () => {
  for (const time of [
    0,
    1,
    999,
    -1,
    951_782_399_999,
    951_782_400_000,
    receivedAt,
    4_102_444_799_999,
  ])
    expect(utc(time)).toBe(new Date(time).toISOString());
});
