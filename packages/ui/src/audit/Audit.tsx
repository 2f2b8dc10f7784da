// Who did what, when, from where, and with which outcome.
import { Loader } from '@mantine/core';
import type { AuditRecord } from '@opmas/protocol';
import { useInfiniteQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { ScrollText, SearchX } from 'lucide-react';
import { useCallback, useMemo } from 'react';
import { auditApi } from '../api/audit.ts';
import { keys } from '../data/keys.ts';
import { useServices } from '../data/services.ts';
import { limits } from '../limits.ts';
import { DataList } from '../parts/DataList.tsx';
import { Empty } from '../parts/Empty.tsx';
import { Fault } from '../parts/Fault.tsx';
import { More } from '../parts/More.tsx';
import { Page } from '../parts/Page.tsx';
import { auditText } from '../text/audit.ts';
import { text } from '../text.ts';
import { columns } from './columns.tsx';
import { Entry } from './Entry.tsx';
import { Filters } from './Filters.tsx';
import { type AuditFilter, auditQuery, plainFilter } from './filter.ts';
import { Proof } from './Proof.tsx';

const NONE: readonly AuditRecord[] = [];
const route = getRouteApi('/app/audit');

export function Audit() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const filter = plainFilter(search);
  const list = useAuditLog(filter);
  const rows = useMemo(() => list.data?.pages.flatMap((page) => page.items) ?? NONE, [list.data]);
  const open = useCallback(
    (entry?: string) => {
      const rest = plainFilter(search);
      void navigate({
        search: entry ? { ...rest, entry } : rest,
        replace: search.entry !== undefined,
        resetScroll: false,
      });
    },
    [navigate, search],
  );
  const shape = useMemo(() => columns(open), [open]);
  const isFiltered = Object.keys(filter).length > 0;
  const isEmpty = list.data && rows.length === 0;

  return (
    <Page title={auditText.title} aside={<Proof filter={filter} />}>
      <Filters
        filter={filter}
        onChange={(next) => void navigate({ search: next, replace: true, resetScroll: false })}
      />
      {list.error && <Fault error={list.error} onRetry={() => void list.refetch()} />}
      {list.isPending && !list.error && <Loader aria-label={text.loading} mx="auto" my="xl" />}
      {rows.length > 0 && (
        <DataList
          label={auditText.table}
          columns={shape}
          rows={rows}
          rowKey={(row) => String(row.audit_id)}
          rowHeight={45}
          onOpen={(row) => open(String(row.audit_id))}
          isOpen={(row) => String(row.audit_id) === search.entry}
        />
      )}
      {isEmpty && (
        <Empty
          icon={isFiltered ? SearchX : ScrollText}
          title={isFiltered ? auditText.noMatch : auditText.empty}
        />
      )}
      <More
        list={list}
        label={auditText.older}
        kept={auditText.kept}
        isTrimmed={rows.length >= limits.auditKept}
      />
      <Entry
        entry={rows.find((row) => String(row.audit_id) === search.entry)}
        isOpen={search.entry !== undefined && list.data !== undefined}
        onClose={() => open()}
      />
    </Page>
  );
}

function useAuditLog(filter: AuditFilter) {
  const { api } = useServices();
  return useInfiniteQuery({
    queryKey: keys.audit(filter),
    initialPageParam: null as string | null,
    queryFn: ({ pageParam, signal }) =>
      auditApi(api).entries(auditQuery(filter), pageParam, signal),
    getNextPageParam: (last, pages) =>
      pages.reduce((sum, page) => sum + page.items.length, 0) < limits.auditKept
        ? last.next_cursor
        : null,
    // Nothing tells the page of a new entry: coming back to the log shows what was added.
    staleTime: 0,
  });
}
