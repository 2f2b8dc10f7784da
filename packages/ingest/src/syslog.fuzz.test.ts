/** Hostile bytes: the parser never throws, never loses text, and stays linear. */

import { check, LogEvent } from '@opmas/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { normalise } from './normalise.ts';
import { createRouter } from './routing.ts';
import { decodeLine, parseSyslog } from './syslog.ts';
import type { SyslogLine } from './syslog-line.ts';

const now = Date.UTC(2026, 10, 21, 9);
const router = createRouter();

const SAMPLES = [
  "<86>Nov 21 08:14:49 OpenWrt dropbear[1234]: Bad password attempt for 'root'",
  '<165>1 2003-10-11T22:14:15.003Z host app 77 ID47 [id@1 a="\\"b\\]" c="d"][e] \ufeffmessage',
  'Mon Apr 11 13:14:49 2022 [1649682889.123] daemon.notice hostapd: wlan0: AP-STA-CONNECTED',
  '<13>2022-04-11T13:14:49.123456+02:00 host /usr/bin/prog[1]: text',
  '<4>*Nov 21 08:14:49: last message repeated 3 times',
];

const piece = fc.oneof(
  fc.constantFrom('<', '>', '[', ']', '"', '\\', ' ', ':', '-', '=', '\0', '\ufeff', '1 ', '<13>'),
  fc.string({ unit: 'binary', maxLength: 8 }),
);

/** A valid line with a few cuts, insertions and repeats. */
const mutated = fc
  .tuple(
    fc.constantFrom(...SAMPLES),
    fc.array(fc.tuple(fc.nat(200), fc.nat(12), piece, fc.nat(3)), { maxLength: 6 }),
  )
  .map(([sample, edits]) =>
    edits.reduce(
      (text, [at, cut, insert, times]) =>
        text.slice(0, at) + insert.repeat(times) + text.slice(at + cut),
      sample,
    ),
  );

const hostile = fc.oneof(
  { weight: 3, arbitrary: mutated.map((text) => Buffer.from(text)) },
  fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
);

function eventOf(line: SyslogLine): LogEvent {
  return normalise(line, { eventId: 'e', receivedAt: now, domain: router.domainOf(line) });
}

describe('the parser under hostile input', () => {
  it('never throws, and always gives a valid event whose message ends the line', () => {
    fc.assert(
      fc.property(hostile, (bytes) => {
        const text = decodeLine(bytes);
        const line = parseSyslog(text, now);
        const event: unknown = JSON.parse(JSON.stringify(eventOf(line)));
        expect(check(LogEvent, event)).toBe(true);
        expect(text.endsWith(line.message)).toBe(true);
        if (line.format === 'raw') expect(line.message).toBe(text);
        if (line.program !== undefined) expect(text).toContain(line.program);
      }),
      { numRuns: 5000 },
    );
  });

  it('takes linear time on lines made to go back and forth', () => {
    const long = 60_000;
    for (const unit of [
      '[a ',
      '<',
      'IN=',
      '[a b="\\',
      'x[',
      'a:',
      '1 - ',
      'ath',
      'eth0',
      'nic link ',
    ]) {
      for (const head of ['', '<4>', '<34>1 - h p 1 - ', '<4>Nov 21 08:14:49 ap kernel: ']) {
        const text = head + unit.repeat(Math.ceil(long / unit.length));
        const line = parseSyslog(text, now);
        expect(text.endsWith(line.message)).toBe(true);
        eventOf(line);
      }
    }
  });
});
