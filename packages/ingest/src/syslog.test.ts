/** What the parser promises for each dialect, with lines as real senders write them. */
import { describe, expect, it } from 'vitest';
import { decodeLine, parseSyslog } from './syslog.ts';

const now = new Date(2026, 10, 21, 9, 0, 0).getTime();
const parse = (text: string, at = now) => parseSyslog(text, at);
const local = (year: number, month: number, ...rest: [number, number, number, number]) =>
  new Date(year, month - 1, ...rest).getTime();

describe('RFC 3164', () => {
  it('reads priority, time, host, program and pid', () => {
    expect(
      parse("<86>Nov 21 08:14:49 OpenWrt dropbear[1234]: Bad password attempt for 'root'"),
    ).toMatchObject({
      format: 'rfc3164',
      facility: 'authpriv',
      severity: 'info',
      time: local(2026, 11, 21, 8, 14, 49),
      host: 'OpenWrt',
      program: 'dropbear',
      pid: 1234,
      message: "Bad password attempt for 'root'",
    });
  });

  it('reads the examples of the RFC', () => {
    expect(
      parse("<34>Oct 11 22:14:15 mymachine su: 'su root' failed for lonvick on /dev/pts/8"),
    ).toMatchObject({
      facility: 'auth',
      severity: 'crit',
      host: 'mymachine',
      program: 'su',
      message: "'su root' failed for lonvick on /dev/pts/8",
    });
    expect(parse('Use the BFG!')).toMatchObject({ format: 'raw', message: 'Use the BFG!' });
    expect(
      parse('<165>Aug 24 05:34:00 CST 1987 mymachine myproc[10]: %% It is time'),
    ).toMatchObject({ facility: 'local4', severity: 'notice' });
  });

  it.each([
    ['<13>Nov  1 08:14:49 ap sshd[7]: x', 'day padded with a space', local(2026, 11, 1, 8, 14, 49)],
    ['<13>Nov 01 08:14:49 ap sshd[7]: x', 'day padded with a zero', local(2026, 11, 1, 8, 14, 49)],
    ['<13>Nov 1 08:14:49 ap sshd[7]: x', 'day not padded', local(2026, 11, 1, 8, 14, 49)],
    ['<13>Nov 21 2025 08:14:49 ap sshd[7]: x', 'year', local(2025, 11, 21, 8, 14, 49)],
    ['<13>Nov 21 08:14:49.250 ap sshd[7]: x', 'milliseconds', local(2026, 11, 21, 8, 14, 49) + 250],
    ['<13>*Nov 21 08:14:49: ap sshd[7]: x', 'unset clock mark', local(2026, 11, 21, 8, 14, 49)],
    ['<13>42: Nov 21 08:14:49 ap sshd[7]: x', 'counter', local(2026, 11, 21, 8, 14, 49)],
    ['<13>2026-11-21T08:14:49+02:00 ap sshd[7]: x', 'ISO', Date.UTC(2026, 10, 21, 6, 14, 49)],
    ['<13>2026-11-21T08:14:49.123456Z ap sshd[7]: x', 'µs', Date.UTC(2026, 10, 21, 8, 14, 49, 123)],
    ['<13>2026-11-21T08:14:49-0330 ap sshd[7]: x', 'zone', Date.UTC(2026, 10, 21, 11, 44, 49)],
    ['<13>2026-11-21 08:14:49 ap sshd[7]: x', 'ISO with a space', local(2026, 11, 21, 8, 14, 49)],
    ['<13>Nov 21 08:14:49 [1795162489.123] ap sshd[7]: x', 'epoch', local(2026, 11, 21, 8, 14, 49)],
    ['Nov 21 08:14:49 ap sshd[7]: x', 'no priority', local(2026, 11, 21, 8, 14, 49)],
  ])('accepts %s (%s)', (line, _what, time) => {
    expect(parse(line)).toMatchObject({ time, host: 'ap', program: 'sshd', pid: 7, message: 'x' });
  });

  it.each([
    [local(2027, 1, 1, 0, 0, 5), 'Dec 31 23:59:58', local(2026, 12, 31, 23, 59, 58)],
    [local(2026, 12, 31, 23, 59, 58), 'Jan  1 00:00:01', local(2027, 1, 1, 0, 0, 1)],
    [local(2028, 2, 29, 12, 0, 0), 'Feb 29 11:00:00', local(2028, 2, 29, 11, 0, 0)],
  ])('gives a time without a year the nearest one', (at, stamp, time) => {
    expect(parse(`<13>${stamp} ap sshd[7]: x`, at).time).toBe(time);
  });

  it.each([
    ['sudo: root : TTY=pts/0', { program: 'sudo', message: 'root : TTY=pts/0' }],
    ['dropbear[9]: x', { program: 'dropbear', pid: 9, message: 'x' }],
    ['hostapd:', { program: 'hostapd', message: '' }],
    [
      'ap kernel: [ 12.3] usb 1-1: x',
      { host: 'ap', program: 'kernel', message: '[ 12.3] usb 1-1: x' },
    ],
    ['ap dropbear[9]:x y', { host: 'ap', program: 'dropbear', pid: 9, message: 'x y' }],
    ['ap dropbear[9] x y', { host: 'ap', program: 'dropbear', pid: 9, message: 'x y' }],
    ['ap sshd[9]:\tx', { host: 'ap', program: 'sshd', pid: 9, message: '\tx' }],
    ['ap app[main]: x', { host: 'ap', program: 'app', procId: 'main', message: 'x' }],
    ['ap postfix/smtpd[9]: x', { host: 'ap', program: 'postfix/smtpd', pid: 9, message: 'x' }],
    ['ap just some words: really', { host: 'ap', message: 'just some words: really' }],
    ['ap http://x/ is down', { host: 'ap', message: 'http://x/ is down' }],
    ['ap my daemon[9]: x', { host: 'ap', message: 'my daemon[9]: x' }],
    ['fe80::1 sshd[9]: x', { host: 'fe80::1', program: 'sshd', message: 'x' }],
    [
      'last message repeated 3 times',
      { host: undefined, message: 'last message repeated 3 times' },
    ],
    ['', { host: undefined, message: '' }],
    ['ap', { message: 'ap' }],
    [
      'ap /usr/sbin/cron[9]: x',
      { program: 'cron', programPath: '/usr/sbin/cron', pid: 9, message: 'x' },
    ],
  ])('reads what follows the time: %j', (rest, expected) => {
    expect(parse(`<13>Nov 21 08:14:49 ${rest}`)).toMatchObject(expected);
  });

  it.each([
    ['<30>dropbear[9]: x', { program: 'dropbear', pid: 9, facility: 'daemon', message: 'x' }],
    ['<30>netifd: up', { program: 'netifd', message: 'up' }],
    ['<30>no tag here', { program: undefined, message: 'no tag here' }],
    ['<0>', { facility: 'kern', severity: 'emerg', message: '' }],
    ['<192>x', { format: 'raw', facility: undefined, message: '<192>x' }],
    ['<>x', { format: 'raw', message: '<>x' }],
    ['<1234>x', { format: 'raw', message: '<1234>x' }],
    ['dropbear[9]: x', { program: 'dropbear', pid: 9, facility: undefined, message: 'x' }],
    ['note: x', { format: 'raw', program: undefined, message: 'note: x' }],
    ['note[a]: x', { format: 'raw', program: undefined, procId: undefined, message: 'note[a]: x' }],
    ['<13>Nov 41 08:14:49 x', { time: undefined, message: 'Nov 41 08:14:49 x' }],
    ['<13>Nov 21 28:14:49 x', { time: undefined, message: 'Nov 21 28:14:49 x' }],
    ['', { format: 'raw', message: '' }],
  ])('without a time: %j', (line, expected) => {
    expect(parse(line)).toMatchObject(expected);
  });
});

describe('RFC 5424', () => {
  it('reads the header, structured data with escapes, and drops the byte order mark', () => {
    const line =
      '<165>1 2003-10-11T22:14:15.003Z mymachine.example.com evntslog 77 ID47 ' +
      '[exampleSDID@32473 iut="3" eventSource="App \\"x\\" \\\\ \\] \\n"][examplePriority@32473 class="high"] ' +
      '\ufeffAn application event log entry...';
    expect(parse(line)).toEqual({
      format: 'rfc5424',
      facility: 'local4',
      severity: 'notice',
      time: Date.UTC(2003, 9, 11, 22, 14, 15, 3),
      host: 'mymachine.example.com',
      program: 'evntslog',
      programPath: undefined,
      pid: 77,
      procId: undefined,
      msgId: 'ID47',
      structured: {
        'exampleSDID@32473': { iut: '3', eventSource: 'App "x" \\ ] \\n' },
        'examplePriority@32473': { class: 'high' },
      },
      message: 'An application event log entry...',
    });
  });

  it('reads what util-linux logger sends', () => {
    expect(
      parse(
        '<13>1 2026-11-21T08:14:49.123456+00:00 box dropbear - - [timeQuality tzKnown="1" isSynced="0"] Bad password',
      ),
    ).toMatchObject({
      time: Date.UTC(2026, 10, 21, 8, 14, 49, 123),
      host: 'box',
      program: 'dropbear',
      pid: undefined,
      structured: { timeQuality: { tzKnown: '1', isSynced: '0' } },
      message: 'Bad password',
    });
  });

  it.each([
    ['<34>1 - - - - - -', { format: 'rfc5424', time: undefined, host: undefined, message: '' }],
    ['<34>1 - - - - - - hello', { format: 'rfc5424', program: undefined, message: 'hello' }],
    ['<34>1 - h p x-1 - [a] m', { procId: 'x-1', structured: { a: {} }, message: 'm' }],
    ['<34>1 - h p 1 - [a x="1" x="2"]', { structured: { a: { x: ['1', '2'] } }, message: '' }],
    ['<34>1 - h p 1 - [a x="1] m', { structured: undefined, message: '[a x="1] m' }],
    ['<34>1 - h p 1 - [a x=1] m', { structured: undefined, message: '[a x=1] m' }],
    ['<34>1 - h p 1 - [a][b m', { structured: undefined, message: '[a][b m' }],
    ['<34>1 - h p 1 - m without data', { structured: undefined, message: 'm without data' }],
    ['<34>1 - h /bin/p 1 - - m', { program: 'p', programPath: '/bin/p' }],
    ['<34>1 yesterday h p 1 - - m', { format: 'rfc3164', message: '1 yesterday h p 1 - - m' }],
    ['<34>1 - h p', { format: 'rfc3164', message: '1 - h p' }],
  ])('nil values and broken forms: %j', (line, expected) => {
    expect(parse(line)).toMatchObject(expected);
  });

  it('never lets a sender reach a prototype', () => {
    const { structured } = parse('<34>1 - h p 1 - [__proto__ polluted="1"][a __proto__="x"] m');
    expect(JSON.stringify(structured)).toBe('{"__proto__":{"polluted":"1"},"a":{"__proto__":"x"}}');
    expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false);
  });
});

describe('logread', () => {
  const time = local(2022, 4, 11, 13, 14, 49);
  it.each([
    [
      'Mon Apr 11 13:14:49 2022 daemon.notice hostapd: wlan0: AP-STA-CONNECTED aa:bb:cc:dd:ee:ff',
      { program: 'hostapd', facility: 'daemon', severity: 'notice' },
      'wlan0: AP-STA-CONNECTED aa:bb:cc:dd:ee:ff',
    ],
    [
      'Mon Apr 11 13:14:49 2022 authpriv.warn dropbear[2312]: Bad password',
      { program: 'dropbear', pid: 2312, facility: 'authpriv', severity: 'warning' },
      'Bad password',
    ],
    [
      'Mon Apr 11 13:14:49 2022 [1649682889.123] kern.info kernel: [   11.1] br-lan: port 1(eth0) entered blocking state',
      { program: 'kernel', facility: 'kern', severity: 'info' },
      '[   11.1] br-lan: port 1(eth0) entered blocking state',
    ],
    ['Mon Apr 11 13:14:49 2022 user.err no tag', { program: undefined, severity: 'err' }, 'no tag'],
  ])('reads %j', (line, expected, message) => {
    expect(parse(line)).toMatchObject({
      format: 'logread',
      time,
      host: undefined,
      message,
      ...expected,
    });
  });
});

describe('decodeLine', () => {
  it('keeps UTF-8, and every byte of anything else', () => {
    expect(decodeLine(Buffer.from('gerät\r\n'))).toBe('gerät');
    expect(decodeLine(Buffer.from([0x67, 0xe4, 0x74, 0]))).toBe('gät');
  });

  it('replaces a zero inside, which no database text can hold', () => {
    expect(decodeLine(Buffer.from('a\0b'))).toBe('a\ufffdb');
  });
});
