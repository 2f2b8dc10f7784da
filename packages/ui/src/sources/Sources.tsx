// Where events come from, and who fell silent: when each was last heard.
import { Loader } from '@mantine/core';
import { getRouteApi } from '@tanstack/react-router';
import { RadioTower, SearchX } from 'lucide-react';
import { useMemo } from 'react';
import type { Source } from '../api/sources.ts';
import { useSources } from '../data/sources.ts';
import { AgentSelect } from '../parts/AgentSelect.tsx';
import { Chips } from '../parts/Chips.tsx';
import { DataList } from '../parts/DataList.tsx';
import { Empty } from '../parts/Empty.tsx';
import { Fault } from '../parts/Fault.tsx';
import { FilterRow } from '../parts/FilterBar.tsx';
import { More } from '../parts/More.tsx';
import { Page } from '../parts/Page.tsx';
import { sourcesText as words } from '../text/sources.ts';
import { text } from '../text.ts';
import { columns } from './columns.tsx';
import type { SourcesFilter } from './filter.ts';
import s from './Sources.module.css';

const NONE: readonly Source[] = [];
const route = getRouteApi('/app/sources');

export function Sources() {
  const { silent, agent } = route.useSearch();
  const navigate = route.useNavigate();
  const list = useSources({ ...(silent ? { silent } : {}), ...(agent ? { agent } : {}) });
  const rows = useMemo(() => list.data?.pages.flatMap(({ items }) => items) ?? NONE, [list.data]);
  const set = (next: SourcesFilter) => void navigate({ search: next, replace: true });
  return (
    <Page title={words.title}>
      <p className={s.intro}>{words.intro}</p>
      <FilterRow>
        <AgentSelect
          label={words.agent}
          isLabelHidden
          none={words.allAgents}
          agent={agent}
          onChange={(next) =>
            set({ ...(silent ? { silent } : {}), ...(next ? { agent: next } : {}) })
          }
        />
        <Chips
          label={words.filter}
          chips={[{ key: 'silent', label: words.onlySilent }]}
          chosen={silent ? ['silent'] : []}
          onChange={({ length }) =>
            set({ ...(length > 0 ? { silent: '1' } : {}), ...(agent ? { agent } : {}) })
          }
        />
      </FilterRow>
      {list.error && <Fault error={list.error} onRetry={() => void list.refetch()} />}
      {list.isPending && !list.error && <Loader aria-label={text.loading} mx="auto" my="xl" />}
      {rows.length > 0 && (
        <DataList
          label={words.table}
          columns={columns}
          rows={rows}
          rowKey={(row) => `${row.agent_id} ${row.topic} ${row.host ?? ''}`}
          rowHeight={57}
        />
      )}
      {list.data && rows.length === 0 && <Nothing silent={silent} agent={agent} />}
      <More list={list} label={words.more} kept={words.kept} />
    </Page>
  );
}

function Nothing({ silent, agent }: { silent: string | undefined; agent: string | undefined }) {
  if (silent) return <p className="muted">{words.noneSilent}</p>;
  if (agent) return <Empty icon={SearchX} title={words.noMatch} />;
  return <Empty icon={RadioTower} {...words.empty} />;
}
