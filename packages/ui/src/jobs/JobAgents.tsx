// What became of each agent of a job, by outcome.

import { Loader } from '@mantine/core';
import type { Job, JobAgent } from '@opmas/protocol';
import { getRouteApi } from '@tanstack/react-router';
import { useMemo } from 'react';
import { visible } from '../lib/visible.ts';
import { Breakable } from '../parts/Breakable.tsx';
import { Chips } from '../parts/Chips.tsx';
import { type Column, DataList } from '../parts/DataList.tsx';
import { Fault } from '../parts/Fault.tsx';
import { More } from '../parts/More.tsx';
import { Section } from '../parts/Section.tsx';
import { Mark } from '../parts/Status.tsx';
import { jobsText } from '../text/jobs.ts';
import { text } from '../text.ts';
import { Moment } from './columns.tsx';
import { useJobAgents } from './data.ts';
import s from './Jobs.module.css';
import { OUTCOME_TONES } from './model.ts';
import { OUTCOMES } from './search.ts';

const words = jobsText.detail;
const NONE: readonly JobAgent[] = [];
const route = getRouteApi('/app/jobs/$job');

export function JobAgents({ job }: { job: Job }) {
  const { outcome } = route.useSearch();
  const navigate = route.useNavigate();
  const list = useJobAgents(job, outcome);
  const rows = useMemo(() => list.data?.pages.flatMap(({ items }) => items) ?? NONE, [list.data]);
  const chips = OUTCOMES.filter((key) => job.counts[key] > 0 || key === outcome);
  return (
    <Section title={words.agents}>
      <Chips
        label={words.filterOutcome}
        chips={chips.map((key) => ({
          key,
          label: jobsText.outcomes[key],
          count: job.counts[key],
        }))}
        chosen={outcome ? [outcome] : []}
        onChange={(next) => {
          const last = next.at(-1);
          void navigate({
            search: last ? { outcome: last } : {},
            replace: true,
            resetScroll: false,
          });
        }}
      />
      {list.error && <Fault error={list.error} onRetry={() => void list.refetch()} />}
      {list.isPending && !list.error && <Loader aria-label={text.loading} mx="auto" />}
      {rows.length > 0 && (
        <DataList
          label={words.agentsTable}
          columns={columns}
          rows={rows}
          rowKey={({ agent_id }) => agent_id}
          rowHeight={45}
        />
      )}
      {list.data && rows.length === 0 && <p className="muted">{words.none}</p>}
      <More list={list} label={words.more} kept={words.kept} />
    </Section>
  );
}

const columns: readonly Column<JobAgent>[] = [
  {
    key: 'agent',
    header: words.agent,
    width: 'minmax(150px, 1.2fr)',
    lead: true,
    cell: ({ agent_id, name }) => (
      <span className={s.strong} title={agent_id}>
        <Breakable text={name} />
      </span>
    ),
  },
  {
    key: 'outcome',
    header: words.outcome,
    width: '168px',
    lead: true,
    cell: ({ outcome }) => (
      <Mark
        tone={OUTCOME_TONES[outcome] ?? 'idle'}
        word={jobsText.outcomes[outcome] ?? visible(outcome)}
      />
    ),
  },
  {
    key: 'why',
    header: words.why,
    width: 'minmax(180px, 2.4fr)',
    cell: ({ reason }) => reason !== null && <Breakable text={reason} />,
  },
  { key: 'wave', header: words.inWave, width: '60px', align: 'end', cell: ({ wave }) => wave },
  {
    key: 'ended',
    header: words.when,
    width: '120px',
    cell: ({ ended_at }) => ended_at !== null && <Moment at={ended_at} />,
  },
];
