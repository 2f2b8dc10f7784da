// The findings as they arrive; what is newer than the reader's place waits behind a pill.
import { Button, Loader } from '@mantine/core';
import type { FindingRecord } from '@opmas/protocol';
import { getRouteApi } from '@tanstack/react-router';
import { ArrowUp, SearchX, ShieldCheck } from 'lucide-react';
import { useCallback, useMemo } from 'react';
import { useFindings } from '../data/queries.ts';
import { stringifySearch } from '../lib/search.ts';
import { limits } from '../limits.ts';
import { AgentSelect } from '../parts/AgentSelect.tsx';
import { Chips } from '../parts/Chips.tsx';
import { DataList } from '../parts/DataList.tsx';
import { Empty } from '../parts/Empty.tsx';
import { Fault } from '../parts/Fault.tsx';
import { FilterBar } from '../parts/FilterBar.tsx';
import { More } from '../parts/More.tsx';
import { Page } from '../parts/Page.tsx';
import { text } from '../text.ts';
import { columns } from './columns.tsx';
import { Details } from './Details.tsx';
import s from './Findings.module.css';
import { type FindingsSearch, SEVERITY_ORDER } from './filter.ts';
import { useHeldBack } from './held.ts';

const NONE: readonly FindingRecord[] = [];
const route = getRouteApi('/app/findings');

export function Findings() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const list = useFindings(search);
  const findings = useMemo(
    () => list.data?.pages.flatMap((page) => page.items) ?? NONE,
    [list.data],
  );
  const { fresh, shown, toTop } = useHeldBack(
    findings,
    stringifySearch({ ...search, finding: '' }),
  );
  const set = (next: FindingsSearch) => void navigate({ search: next, replace: true });
  const open = useCallback(
    (id?: string) => {
      const { finding: before, ...filter } = search;
      void navigate({
        search: id ? { ...filter, finding: id } : filter,
        replace: before !== undefined,
        resetScroll: false,
      });
    },
    [navigate, search],
  );
  const shape = useMemo(() => columns(open), [open]);
  const isFiltered = Boolean(search.q || search.severity || search.agent);
  const isEmpty = list.data && findings.length === 0 && !list.hasNextPage;

  return (
    <Page
      title={text.findings.title}
      aside={<Shown count={shown.length} more={list.hasNextPage} />}
    >
      <FilterBar
        label={text.findings.filter}
        placeholder={text.findings.filterPlaceholder}
        q={search.q ?? ''}
        onText={(q) => set({ ...search, q })}
        onClear={isFiltered ? () => set({}) : undefined}
      >
        <AgentSelect
          label={text.findings.filterAgent}
          isLabelHidden
          none={text.findings.allAgents}
          agent={search.agent}
          onChange={(agent) => {
            const { agent: _before, ...rest } = search;
            set(agent ? { ...rest, agent } : rest);
          }}
        />
        <Chips
          label={text.findings.filterSeverity}
          chips={SEVERITY_ORDER.map((key) => ({ key, label: text.severity[key] }))}
          chosen={search.severity ?? []}
          onChange={(severity) => set({ ...search, severity })}
        />
      </FilterBar>
      {fresh > 0 && (
        <div className={s.pill}>
          <Button
            size="xs"
            radius="xl"
            leftSection={<ArrowUp size={14} aria-hidden />}
            onClick={toTop}
          >
            {text.findings.fresh(fresh)}
          </Button>
        </div>
      )}
      {list.error && <Fault error={list.error} onRetry={() => void list.refetch()} />}
      {list.isPending && !list.error && <Loader aria-label={text.loading} mx="auto" my="xl" />}
      {shown.length > 0 && (
        <DataList
          label={text.findings.table}
          columns={shape}
          rows={shown}
          rowKey={(row) => row.finding_id}
          rowHeight={45}
          onOpen={(row) => open(row.finding_id)}
          isOpen={(row) => row.finding_id === search.finding}
        />
      )}
      {isEmpty && isFiltered && <Empty icon={SearchX} title={text.findings.noMatch} />}
      {isEmpty && !isFiltered && (
        <Empty
          icon={ShieldCheck}
          title={text.findings.empty.title}
          text={text.findings.empty.text}
          line={text.findings.empty.line(window.location.hostname)}
        />
      )}
      <More
        list={list}
        label={text.findings.older}
        kept={text.findings.kept}
        isTrimmed={findings.length >= limits.findingsKept}
      />
      <Details
        id={search.finding}
        known={findings.find((finding) => finding.finding_id === search.finding)}
        onClose={() => open()}
      />
    </Page>
  );
}

function Shown({ count, more }: { count: number; more: boolean }) {
  return <span className="muted">{text.findings.shown(count, more)}</span>;
}
