// What became of a token.
import { expect, test } from 'vitest';
import type { TokenRow } from '../api/resources.ts';
import { filterTokens, readTokensSearch, tokenState } from './state.ts';

const NOW = Date.parse('2026-11-21T12:00:00Z');

function aToken(over: Partial<TokenRow>): TokenRow {
  return {
    token_id: 't',
    kind: 'api',
    name: 'script',
    roles: [],
    max_uses: null,
    uses: 3,
    agent_type: null,
    tags: [],
    replace: false,
    created_by: 'admin',
    created_at: '2026-11-01T00:00:00Z',
    expires_at: '2026-12-01T00:00:00Z',
    last_used_at: null,
    revoked_at: null,
    ...over,
  };
}

const expired = aToken({ expires_at: '2026-11-21T12:00:00Z' });
const spent = aToken({ kind: 'enrollment', max_uses: 1, uses: 1 });
const revoked = aToken({ revoked_at: '2026-11-02T00:00:00Z', max_uses: 1, uses: 1 });

test('a token is good, revoked, expired or used up', () => {
  expect(tokenState(aToken({}), NOW)).toBe('good');
  expect(tokenState(aToken({ expires_at: null }), NOW)).toBe('good');
  expect(tokenState(expired, NOW)).toBe('expired');
  expect(tokenState(spent, NOW)).toBe('spent');
  expect(tokenState(revoked, NOW)).toBe('revoked');
});

test('those that ended show only when asked for', () => {
  const all = [aToken({}), expired, spent, revoked];
  expect(filterTokens(all, {}, NOW)).toEqual([all[0]]);
  expect(filterTokens(all, { ended: 'yes' }, NOW)).toEqual(all);
  expect(filterTokens(all, { ended: 'yes', kind: ['enrollment'] }, NOW)).toEqual([spent]);
});

test('what the address says and nobody understands is left out', () => {
  expect(readTokensSearch({ kind: 'api,root', ended: 'maybe' })).toEqual({ kind: ['api'] });
});
