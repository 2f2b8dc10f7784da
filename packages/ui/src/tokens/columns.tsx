// The columns of the tokens.
import { Button } from '@mantine/core';
import type { TokenRow } from '../api/resources.ts';
import type { Tone } from '../fleet/standing.ts';
import { useNow } from '../lib/clock.ts';
import { visible } from '../lib/visible.ts';
import { Breakable } from '../parts/Breakable.tsx';
import type { Column } from '../parts/DataList.tsx';
import { Mark } from '../parts/Status.tsx';
import { TimeAgo } from '../parts/TimeAgo.tsx';
import { tokensText } from '../text/tokens.ts';
import { type TokenState, tokenState } from './state.ts';
import s from './Tokens.module.css';

const names = tokensText.columns;

const TONES: Readonly<Record<TokenState, Tone>> = {
  good: 'good',
  revoked: 'idle',
  expired: 'idle',
  spent: 'idle',
};

/** Without `onRevoke` they can only be looked at. */
export function columns(onRevoke?: (token: TokenRow) => void): readonly Column<TokenRow>[] {
  return [
    {
      key: 'name',
      header: names.name,
      width: 'minmax(150px, 1.3fr)',
      lead: true,
      cell: (token) => (
        <>
          <div className={s.name}>
            <Breakable text={token.name} />
          </div>
          <div className={s.kind}>{tokensText.kinds[token.kind]}</div>
        </>
      ),
    },
    {
      key: 'use',
      header: names.use,
      width: 'minmax(180px, 2fr)',
      lead: true,
      cell: (token) => <Use token={token} />,
    },
    {
      key: 'state',
      header: names.state,
      width: '112px',
      cell: (token) => <State token={token} />,
    },
    {
      key: 'by',
      header: names.by,
      width: 'minmax(80px, 0.7fr)',
      cell: (token) => <Breakable text={token.created_by} />,
    },
    {
      key: 'used',
      header: names.used,
      width: '100px',
      cell: (token) => <When at={token.last_used_at} otherwise={tokensText.never} />,
    },
    {
      key: 'expires',
      header: names.expires,
      width: '100px',
      // A revoked one has ended already, whenever it would have.
      cell: (token) =>
        token.revoked_at === null ? (
          <When at={token.expires_at} otherwise={tokensText.noEnd} />
        ) : null,
    },
    ...(onRevoke ? [revoking(onRevoke)] : []),
  ];
}

function revoking(onRevoke: (token: TokenRow) => void): Column<TokenRow> {
  return {
    key: 'revoke',
    header: tokensText.revoke,
    width: '84px',
    align: 'end',
    lead: true,
    cell: (token) =>
      token.revoked_at === null ? (
        <Button
          variant="default"
          size="compact-sm"
          aria-label={tokensText.revokeOf(visible(token.name))}
          onClick={() => onRevoke(token)}
        >
          {tokensText.revoke}
        </Button>
      ) : null,
  };
}

function Use({ token }: { token: TokenRow }) {
  if (token.kind === 'api') return token.roles.map(visible).join(', ');
  const type = token.agent_type ? tokensText.type(visible(token.agent_type)) : tokensText.anyType;
  const more = [
    tokensText.uses(token.uses, token.max_uses),
    ...(token.tags.length > 0 ? [tokensText.tagged(token.tags.map(visible).join(', '))] : []),
    ...(token.replace ? [tokensText.replaces] : []),
  ];
  return (
    <span className={s.use}>
      <span>{type}</span>
      <span className="muted">{more.join(' · ')}</span>
    </span>
  );
}

function State({ token }: { token: TokenRow }) {
  const state = tokenState(token, useNow());
  return <Mark tone={TONES[state]} word={tokensText.states[state]} />;
}

function When({ at, otherwise }: { at: string | null; otherwise: string }) {
  return at ? <TimeAgo at={at} /> : <span className="muted">{otherwise}</span>;
}
