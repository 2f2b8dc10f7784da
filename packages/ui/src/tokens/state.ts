// What became of a token, and what the address of the tokens screen says.
import type { TokenRow } from '../api/resources.ts';
import { chosen } from '../lib/search.ts';

export type TokenState = 'good' | 'revoked' | 'expired' | 'spent';

export function tokenState(token: TokenRow, now: number): TokenState {
  if (token.revoked_at !== null) return 'revoked';
  if (token.expires_at !== null && Date.parse(token.expires_at) <= now) return 'expired';
  return token.max_uses !== null && token.uses >= token.max_uses ? 'spent' : 'good';
}

export const KINDS = ['api', 'enrollment'] as const satisfies readonly TokenRow['kind'][];

export interface TokensSearch {
  kind?: TokenRow['kind'][];
  /** Those that ended are shown too. */
  ended?: 'yes';
}

export function readTokensSearch(search: Record<string, unknown>): TokensSearch {
  const kind = chosen(search['kind'], KINDS);
  return {
    ...(kind.length > 0 ? { kind } : {}),
    ...(search['ended'] === 'yes' ? { ended: 'yes' } : {}),
  };
}

export function filterTokens(
  tokens: readonly TokenRow[],
  { kind, ended }: TokensSearch,
  now: number,
): TokenRow[] {
  return tokens.filter(
    (token) =>
      (!kind || kind.includes(token.kind)) &&
      (ended === 'yes' || tokenState(token, now) === 'good'),
  );
}
