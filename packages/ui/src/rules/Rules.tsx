// The rules in force: what is looked for, what has matched, what it costs, and what never tells anything.
import { Button, Loader, NativeSelect } from '@mantine/core';
import { getRouteApi, Link } from '@tanstack/react-router';
import { FlaskConical, ListChecks, SearchX } from 'lucide-react';
import { useMemo } from 'react';
import type { RuleInService } from '../api/rules.ts';
import { useMay } from '../data/me.ts';
import { SEVERITY_ORDER } from '../findings/filter.ts';
import { useNow } from '../lib/clock.ts';
import { chosen } from '../lib/search.ts';
import { AgentSelect } from '../parts/AgentSelect.tsx';
import { Chips } from '../parts/Chips.tsx';
import { DataList } from '../parts/DataList.tsx';
import { Empty } from '../parts/Empty.tsx';
import { Fault } from '../parts/Fault.tsx';
import { FilterBar } from '../parts/FilterBar.tsx';
import { Page } from '../parts/Page.tsx';
import { rulesText } from '../text/rules.ts';
import { text } from '../text.ts';
import { columns } from './columns.tsx';
import { useRules } from './data.ts';
import {
  countStates,
  filterRules,
  KINDS,
  ORDERS,
  type RulesSearch,
  STATES,
  sortRules,
} from './filter.ts';
import { RuleSheet } from './RuleSheet.tsx';

const NONE: readonly RuleInService[] = [];
const MINUTE_MS = 60_000;
const route = getRouteApi('/app/rules');

export function Rules() {
  const mayTry = useMay('configs:write');
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const list = useRules(search.agent);
  const all = list.data?.rules ?? NONE;
  // A day without a hit need not be known to the second.
  const now = Math.floor(useNow() / MINUTE_MS) * MINUTE_MS;
  const rows = useMemo(
    () => sortRules(filterRules(all, search, now), search.sort),
    [all, search, now],
  );
  const counts = useMemo(() => countStates(all, now), [all, now]);
  const set = (next: RulesSearch) =>
    void navigate({ search: next, replace: true, resetScroll: false });
  const { rule: openId, sort, ...filter } = search;
  const isFiltered = Object.keys(filter).length > 0;

  return (
    <Page
      title={rulesText.title}
      aside={
        mayTry && (
          <Button
            size="sm"
            leftSection={<FlaskConical size={16} aria-hidden />}
            renderRoot={(props) => (
              <Link
                to="/rules/try"
                search={search.agent ? { agent: search.agent } : {}}
                {...props}
              />
            )}
          >
            {rulesText.try}
          </Button>
        )
      }
    >
      <FilterBar
        label={rulesText.filter}
        placeholder={rulesText.filterPlaceholder}
        q={search.q ?? ''}
        onText={(q) => set({ ...search, q })}
        onClear={isFiltered ? () => set(sort ? { sort } : {}) : undefined}
      >
        <AgentSelect
          label={rulesText.filterAgent}
          isLabelHidden
          none={rulesText.allAgents}
          agent={search.agent}
          onChange={(agent) => {
            const { agent: _before, ...rest } = search;
            set(agent ? { ...rest, agent } : rest);
          }}
        />
        <NativeSelect
          aria-label={rulesText.filterKind}
          value={search.kind ?? ''}
          onChange={(event) => {
            const { kind: _before, ...rest } = search;
            const [kind] = chosen(event.currentTarget.value, KINDS);
            set(kind ? { ...rest, kind } : rest);
          }}
          data={[
            { value: '', label: rulesText.allKinds },
            ...KINDS.map((value) => ({ value, label: rulesText.kinds[value] })),
          ]}
        />
        <NativeSelect
          aria-label={rulesText.order}
          value={sort ?? 'hits'}
          onChange={(event) => {
            const { sort: _before, ...rest } = search;
            const [order] = chosen(event.currentTarget.value, ORDERS);
            set(order && order !== 'hits' ? { ...rest, sort: order } : rest);
          }}
          data={ORDERS.map((value) => ({ value, label: rulesText.orders[value] }))}
        />
        <Chips
          label={rulesText.filterSeverity}
          chips={SEVERITY_ORDER.map((key) => ({ key, label: text.severity[key] }))}
          chosen={search.severity ?? []}
          onChange={(severity) => set({ ...search, severity })}
        />
        <Chips
          label={rulesText.filterState}
          chips={STATES.map((key) => ({
            key,
            label: rulesText.states[key],
            count: counts[key],
          }))}
          chosen={search.state ?? []}
          onChange={(state) => set({ ...search, state })}
        />
        {list.data && <span className="muted">{rulesText.count(rows.length, all.length)}</span>}
      </FilterBar>
      {list.error && <Fault error={list.error} onRetry={() => void list.refetch()} />}
      {list.isPending && !list.error && <Loader aria-label={text.loading} mx="auto" my="xl" />}
      {rows.length > 0 && (
        <DataList
          label={rulesText.table}
          columns={columns}
          rows={rows}
          rowKey={(row) => row.rule_id}
          rowHeight={57}
          onOpen={(row) => set({ ...search, rule: row.rule_id })}
          isOpen={(row) => row.rule_id === openId}
        />
      )}
      {list.data && rows.length === 0 && isFiltered && (
        <Empty icon={SearchX} title={rulesText.noMatch} />
      )}
      {list.data && rows.length === 0 && !isFiltered && (
        <Empty icon={ListChecks} {...rulesText.empty} />
      )}
      {list.data && !list.data.isWhole && <p className="muted">{rulesText.more(all.length)}</p>}
      <RuleSheet
        rule={all.find((each) => each.rule_id === openId)}
        agent={search.agent}
        isOpen={openId !== undefined && list.data !== undefined}
        onClose={() => {
          const { rule: _before, ...rest } = search;
          set(rest);
        }}
        mayTry={mayTry}
      />
    </Page>
  );
}
