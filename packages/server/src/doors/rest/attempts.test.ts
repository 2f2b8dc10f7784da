/** Attempts to get around what guards the API are on record (ASVS 16.3.3). */
import type { AuditRecord } from '@opmas/protocol';
import { waitFor } from '@opmas/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { person } from '../../testing/people.ts';
import { type TestServer, testServer } from '../../testing/server.ts';
import { RATES } from './admission.ts';

let server: TestServer;
beforeAll(async () => {
  server = await testServer();
});
afterAll(() => server.stop());

const refused = async (action: string): Promise<AuditRecord[]> => {
  const { body } = await server.call('GET', `/api/v1/audit?action=${action}&outcome=refused`);
  return (body as { items: AuditRecord[] }).items;
};
const onRecord = (action: string, code: string) =>
  waitFor(async () => (await refused(action)).find(({ details }) => details?.['code'] === code));

describe('16.3.3 attempts to get around', () => {
  test.each<[string, RequestInit, number, string, string]>([
    [
      'a forged token',
      { headers: { authorization: 'Bearer e30.e30.e30' } },
      401,
      'roles.list',
      'OPMAS_UNAUTHENTICATED',
    ],
    [
      'a page of another site',
      { method: 'POST', headers: { origin: 'https://evil.example', 'user-agent': 'browser/1' } },
      403,
      'http.request',
      'OPMAS_CROSS_ORIGIN',
    ],
  ])('%s', async (_, init, status, action, code) => {
    expect((await fetch(`${server.url}/api/v1/roles`, init)).status).toBe(status);
    const row = await onRecord(action, code);
    expect(row).toMatchObject({ actor_kind: 'anonymous', remote: '127.0.0.1' });
    expect(row.request_id).toMatch(/^[0-9a-f-]{36}$/);
  });

  test('a limit: once, however often and about whatever it was met', async () => {
    const { access_token: token } = await person(server, 'greedy', 'operator');
    let met = 0;
    for (let n = 0; met < 20 && n < 20 * RATES.expensive.burst; n += 1) {
      const answer = await server.call('POST', '/api/v1/packages/scan', { token });
      if (answer.status === 429) met += 1;
    }
    expect(met).toBe(20);
    await onRecord('packages.scan', 'OPMAS_RATE_LIMITED');
    const rows = (await refused('packages.scan')).filter(
      ({ details }) => details?.['code'] === 'OPMAS_RATE_LIMITED',
    );
    expect(rows[0]).toMatchObject({ actor: 'greedy', object: null });
    // One at once, and at most one with the count of the rest.
    expect(rows.length).toBeLessThanOrEqual(2);
  });
});
