import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { limits } from '../../kernel/limits.ts';
import { type TestDoors, testDoors } from '../../testing/doors.ts';
import { RATES } from './admission.ts';
import { CSP_REPORTS_PATH } from './csp-reports.ts';

let doors: TestDoors;
/** Each test from an address of its own: they do not use up each other's reports. */
let address = '';
let tests = 0;
beforeAll(async () => {
  doors = await testDoors({ trustedProxies: ['127.0.0.1'] });
});
afterAll(() => doors.close());
beforeEach(() => {
  doors.logged.length = 0;
  tests += 1;
  address = `198.51.100.${tests}`;
});

const send = (body: unknown, type: string) =>
  doors.call('POST', CSP_REPORTS_PATH, {
    body: typeof body === 'string' ? body : JSON.stringify(body),
    headers: { 'content-type': type, authorization: '', 'x-forwarded-for': address },
  });

const single = (blocked: string, directive = 'script-src-elem') => ({
  'csp-report': {
    'document-uri': 'http://127.0.0.1:8080/setup?code=one-time',
    'effective-directive': directive,
    'violated-directive': directive,
    'blocked-uri': blocked,
    'original-policy': "default-src 'none'",
    disposition: 'enforce',
  },
});
const several = (...blocked: string[]) =>
  blocked.map((blockedURL) => ({
    age: 1,
    type: 'csp-violation',
    url: 'http://127.0.0.1:8080/',
    user_agent: 'x',
    body: { effectiveDirective: 'img-src', blockedURL, documentURL: 'http://127.0.0.1:8080/#x' },
  }));

describe('X6 what browsers refused is reported', () => {
  test.each(['application/csp-report', 'application/json'])('as one report, %s', async (type) => {
    const answer = await send(single(`https://evil.example/${type}?q=1`), type);
    expect(answer.status).toBe(204);
    expect(doors.logged).toMatchObject([
      {
        level: 'warn',
        fields: {
          directive: 'script-src-elem',
          blocked: `https://evil.example/${type}`,
          page: 'http://127.0.0.1:8080/setup',
        },
      },
    ]);
  });

  test('as a list of reports, of which other kinds are left alone', async () => {
    const reports = [
      ...several('https://a.example/1', 'https://a.example/2'),
      { type: 'deprecation' },
    ];
    expect((await send(reports, 'application/reports+json')).status).toBe(204);
    expect(doors.logged.map(({ fields }) => Reflect.get(fields, 'blocked'))).toEqual([
      'https://a.example/1',
      'https://a.example/2',
    ]);
  });

  test('each kind is logged once, and nothing secret of an address', async () => {
    for (let n = 0; n < 5; n += 1) {
      await send(single(`https://b.example/?token=${n}`), 'application/csp-report');
    }
    expect(doors.logged).toHaveLength(1);
    expect(JSON.stringify(doors.logged)).not.toMatch(/token|one-time/);
  });

  test.each<[string, unknown, string, number]>([
    ['no JSON', '{"csp-report":', 'application/csp-report', 400],
    ['another shape', { a: 1 }, 'application/csp-report', 400],
    ['a number for a text', { 'csp-report': { 'blocked-uri': 7 } }, 'application/json', 400],
    [
      'too many at once',
      Array.from({ length: 51 }, () => ({ type: 'x' })),
      'application/reports+json',
      400,
    ],
    ['too large', single('x'.repeat(limits.cspReportBytes)), 'application/csp-report', 413],
  ])('%s is refused', async (_, body, type, status) => {
    expect((await send(body, type)).status).toBe(status);
    expect(doors.logged).toEqual([]);
  });

  test('one address cannot flood the log, nor many fill the memory', async () => {
    let refused = 0;
    for (let n = 0; n < RATES.reports.burst * 2; n += 1) {
      const answer = await send(single('https://c.example/'), 'application/csp-report');
      if (answer.status === 429) refused += 1;
    }
    expect(refused).toBeGreaterThanOrEqual(RATES.reports.burst - 2);
    for (let n = 0; n < limits.cspReportKinds + 50; n += 50) {
      address = `203.0.113.${n}`;
      const urls = Array.from({ length: 20 }, (_, i) => `https://d.example/${n + i}`);
      await send(several(...urls), 'application/reports+json');
      await send(several(...urls.map((url) => `${url}b`)), 'application/reports+json');
    }
    expect(doors.logged.length).toBeLessThanOrEqual(limits.cspReportKinds);
    expect((await send(single('https://e.example/'), 'application/csp-report')).status).toBe(204);
  });
});
