// Tokens of scripts and for agents on other hosts.
import { Button, Checkbox, Loader } from '@mantine/core';
import { getRouteApi } from '@tanstack/react-router';
import { KeyRound, Plus } from 'lucide-react';
import { useMemo, useState } from 'react';
import type { TokenRow } from '../api/resources.ts';
import { useAccess, useChange, useTokens } from '../data/access.ts';
import { keys } from '../data/keys.ts';
import { useMay } from '../data/me.ts';
import { useNow } from '../lib/clock.ts';
import { Chips } from '../parts/Chips.tsx';
import { Confirm, type Question } from '../parts/Confirm.tsx';
import { DataList } from '../parts/DataList.tsx';
import { Empty } from '../parts/Empty.tsx';
import { Fault } from '../parts/Fault.tsx';
import { Notice } from '../parts/Notice.tsx';
import { Page } from '../parts/Page.tsx';
import { tokensText } from '../text/tokens.ts';
import { text } from '../text.ts';
import { columns } from './columns.tsx';
import { NewToken } from './NewToken.tsx';
import { filterTokens, KINDS, type TokensSearch, tokenState } from './state.ts';
import s from './Tokens.module.css';

const route = getRouteApi('/app/tokens');
const NONE: readonly TokenRow[] = [];

export function Tokens() {
  const mayCreate = useMay('tokens:create');
  const mayRevoke = useMay('tokens:revoke');
  const tokens = useTokens();
  const access = useAccess();
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const now = useNow();
  const [isAdding, setAdding] = useState(false);
  const [question, setQuestion] = useState<Question>();
  const [said, setSaid] = useState<string>();
  const revoke = useChange(access.revokeToken, [keys.tokens], () => setSaid(tokensText.revoked));
  const all = tokens.data ?? NONE;
  const rows = filterTokens(all, search, now);
  const set = (next: TokensSearch) => void navigate({ search: next, replace: true });

  const revokeAsk = revoke.mutateAsync;
  const shape = useMemo(() => {
    const ask = (token: TokenRow) => {
      setSaid(undefined);
      setQuestion({
        title: tokensText.revokeTitle(token.name),
        effect: tokensText.revokeEffect[token.kind],
        submit: tokensText.revoke,
        act: () => revokeAsk(token.token_id),
      });
    };
    return columns(mayRevoke ? ask : undefined);
  }, [mayRevoke, revokeAsk]);

  return (
    <Page
      title={tokensText.title}
      aside={
        mayCreate && (
          <Button
            size="sm"
            leftSection={<Plus size={16} aria-hidden />}
            onClick={() => {
              setSaid(undefined);
              setAdding(true);
            }}
          >
            {tokensText.add}
          </Button>
        )
      }
    >
      <Notice said={said} />
      <div className={s.bar}>
        <Chips
          label={tokensText.kindGroup}
          chips={KINDS.map((key) => ({ key, label: tokensText.kinds[key] }))}
          chosen={search.kind ?? []}
          onChange={(kind) => set({ ...search, kind })}
        />
        {all.some((token) => tokenState(token, now) !== 'good') && (
          <Checkbox
            label={tokensText.ended}
            checked={search.ended === 'yes'}
            onChange={({ currentTarget }) => {
              const { ended: _before, ...rest } = search;
              set(currentTarget.checked ? { ...rest, ended: 'yes' } : rest);
            }}
          />
        )}
      </div>
      {tokens.error && <Fault error={tokens.error} onRetry={() => void tokens.refetch()} />}
      {tokens.isPending && !tokens.error && <Loader aria-label={text.loading} mx="auto" my="xl" />}
      {rows.length > 0 && (
        <DataList
          label={tokensText.table}
          columns={shape}
          rows={rows}
          rowKey={(row) => row.token_id}
          rowHeight={57}
        />
      )}
      {tokens.data && rows.length === 0 && <Empty icon={KeyRound} {...tokensText.empty} />}
      <NewToken isOpen={isAdding} onClose={() => setAdding(false)} />
      <Confirm question={question} onDone={() => setQuestion(undefined)} />
    </Page>
  );
}
