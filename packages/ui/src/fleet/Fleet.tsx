// The fleet: is anything wrong, and where?

import { Loader } from '@mantine/core';
import type { Agent } from '@opmas/protocol';
import { getRouteApi } from '@tanstack/react-router';
import { Boxes, SearchX } from 'lucide-react';
import { lazy, Suspense, useCallback, useMemo, useState } from 'react';
import { useMe } from '../data/me.ts';
import { useAgents } from '../data/queries.ts';
import { maySomewhere } from '../lib/grants.ts';
import { Chips } from '../parts/Chips.tsx';
import { DataList } from '../parts/DataList.tsx';
import { Empty } from '../parts/Empty.tsx';
import { Fault } from '../parts/Fault.tsx';
import { FilterBar } from '../parts/FilterBar.tsx';
import { Page } from '../parts/Page.tsx';
import { text } from '../text.ts';
import { columns } from './columns.tsx';
import { countGroups, type FleetFilter, type FleetRow, filterFleet, fleetRows } from './filter.ts';
import { Packages } from './Packages.tsx';
import { Silent } from './Silent.tsx';
import { canChoose, chooseColumn } from './select.tsx';
import { GROUPS } from './standing.ts';
import { Tiles } from './Tiles.tsx';

const NONE: readonly Agent[] = [];
const NOBODY: ReadonlySet<string> = new Set();
const route = getRouteApi('/app/');

/** Loaded when the first agent is chosen. */
const Selection = lazy(async () => ({
  default: (await import('../jobs/Selection.tsx')).Selection,
}));

export function Fleet() {
  const agents = useAgents();
  const filter = route.useSearch();
  const navigate = route.useNavigate();
  const rows = useMemo(() => fleetRows(agents.data ?? NONE), [agents.data]);
  const shown = useMemo(() => filterFleet(rows, filter), [rows, filter]);
  const counts = useMemo(() => countGroups(rows), [rows]);
  const set = (search: FleetFilter) => void navigate({ search, replace: true });
  const isFiltered = Boolean(filter.q || filter.status);
  const mayChoose = maySomewhere(useMe(), 'jobs:write');
  const [chosen, setChosen] = useState(NOBODY);
  const toggle = useCallback(
    (id: string) =>
      setChosen((before) => {
        const next = new Set(before);
        if (!next.delete(id)) next.add(id);
        return next;
      }),
    [],
  );
  const shape = useMemo(
    () => (mayChoose ? [chooseColumn(chosen, toggle), ...columns] : columns),
    [mayChoose, chosen, toggle],
  );
  // Only who is in sight: nothing is done to an agent that a filter hides.
  const selected = useMemo(
    () => shown.filter((row) => canChoose(row) && chosen.has(row.agent.agent_id)),
    [shown, chosen],
  );
  const chips = GROUPS.filter((group) => counts[group] > 0 || filter.status?.includes(group));

  return (
    <Page title={text.fleet.title}>
      <Tiles rows={rows} />
      <Silent />
      {agents.error && <Fault error={agents.error} onRetry={() => void agents.refetch()} />}
      {agents.isPending && !agents.error && <Loader aria-label={text.loading} mx="auto" my="xl" />}
      {rows.length > 0 && (
        <FilterBar
          label={text.fleet.filter}
          placeholder={text.fleet.filterPlaceholder}
          q={filter.q ?? ''}
          onText={(q) => set({ ...filter, q })}
          onClear={isFiltered ? () => set({}) : undefined}
        >
          <Chips
            label={text.fleet.filterGroup}
            chips={chips.map((key) => ({
              key,
              label: text.fleet.groups[key],
              count: counts[key],
            }))}
            chosen={filter.status ?? []}
            onChange={(status) => set({ ...filter, status })}
          />
        </FilterBar>
      )}
      {shown.length > 0 && (
        <DataList
          label={text.fleet.table}
          columns={shape}
          rows={shown}
          rowKey={(row) => row.agent.agent_id}
          rowHeight={45}
        />
      )}
      {agents.data && rows.length === 0 && <Empty icon={Boxes} {...text.fleet.empty} />}
      {rows.length > 0 && shown.length === 0 && <Empty icon={SearchX} title={text.fleet.noMatch} />}
      <Packages />
      {selected.length > 0 && (
        <Suspense fallback={null}>
          <Selection
            agents={selected.map(({ agent }) => agent)}
            shown={shown.filter(canChoose).length}
            onAll={() => setChosen(new Set(shown.filter(canChoose).map(idOf)))}
            onNone={() => setChosen(NOBODY)}
          />
        </Suspense>
      )}
    </Page>
  );
}

function idOf({ agent }: FleetRow): string {
  return agent.agent_id;
}
