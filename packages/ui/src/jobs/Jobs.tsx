// The jobs: did my change to many agents finish, and what happens just now?
import { Button, Loader, NativeSelect } from '@mantine/core';
import type { Job } from '@opmas/protocol';
import { getRouteApi, Link } from '@tanstack/react-router';
import { ListTodo, Rocket, SearchX } from 'lucide-react';
import { useMemo } from 'react';
import { useMe } from '../data/me.ts';
import { chosen } from '../lib/search.ts';
import { DataList } from '../parts/DataList.tsx';
import { Empty } from '../parts/Empty.tsx';
import { Fault } from '../parts/Fault.tsx';
import { FilterRow } from '../parts/FilterBar.tsx';
import { More } from '../parts/More.tsx';
import { Page } from '../parts/Page.tsx';
import { jobsText } from '../text/jobs.ts';
import { text } from '../text.ts';
import { columns } from './columns.tsx';
import { useJobs } from './data.ts';
import { mayRollOut } from './model.ts';
import { type JobsFilter, KINDS, STATES } from './search.ts';

const NONE: readonly Job[] = [];
const route = getRouteApi('/app/jobs');

export function Jobs() {
  const me = useMe();
  const search = route.useSearch();
  const { state, kind } = search;
  const navigate = route.useNavigate();
  const filter = useMemo<JobsFilter>(
    () => ({ ...(state ? { state } : {}), ...(kind ? { kind } : {}) }),
    [state, kind],
  );
  const list = useJobs(filter);
  const rows = useMemo(() => list.data?.pages.flatMap(({ items }) => items) ?? NONE, [list.data]);
  const set = (next: JobsFilter) =>
    void navigate({ search: next, replace: true, resetScroll: false });
  const isFiltered = Boolean(state ?? kind);

  return (
    <Page
      title={jobsText.title}
      aside={
        mayRollOut(me) && (
          <Button
            size="sm"
            leftSection={<Rocket size={16} aria-hidden />}
            renderRoot={(props) => <Link to="/jobs/new" {...props} />}
          >
            {jobsText.newRollout}
          </Button>
        )
      }
    >
      <FilterRow>
        <NativeSelect
          aria-label={jobsText.filterState}
          value={state ?? ''}
          onChange={(event) => {
            const [next] = chosen(event.currentTarget.value, STATES);
            set({ ...(next ? { state: next } : {}), ...(kind ? { kind } : {}) });
          }}
          data={[
            { value: '', label: jobsText.allStates },
            ...STATES.map((value) => ({ value, label: jobsText.states[value] })),
          ]}
        />
        <NativeSelect
          aria-label={jobsText.filterKind}
          value={kind ?? ''}
          onChange={(event) => {
            const [next] = chosen(event.currentTarget.value, KINDS);
            set({ ...(state ? { state } : {}), ...(next ? { kind: next } : {}) });
          }}
          data={[
            { value: '', label: jobsText.allKinds },
            ...KINDS.map((value) => ({ value, label: jobsText.kinds[value] })),
          ]}
        />
      </FilterRow>
      {list.error && <Fault error={list.error} onRetry={() => void list.refetch()} />}
      {list.isPending && !list.error && <Loader aria-label={text.loading} mx="auto" my="xl" />}
      {rows.length > 0 && (
        <DataList
          label={jobsText.table}
          columns={columns}
          rows={rows}
          rowKey={({ job_id }) => job_id}
          rowHeight={57}
          onOpen={({ job_id }) => void navigate({ to: '/jobs/$job', params: { job: job_id } })}
        />
      )}
      {list.data && rows.length === 0 && isFiltered && (
        <Empty icon={SearchX} title={jobsText.noMatch} />
      )}
      {list.data && rows.length === 0 && !isFiltered && (
        <Empty icon={ListTodo} title={jobsText.empty.title} text={jobsText.empty.text} />
      )}
      <More list={list} label={jobsText.older} kept={jobsText.kept} />
    </Page>
  );
}
