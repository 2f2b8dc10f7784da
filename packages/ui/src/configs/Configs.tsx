// Where every agent's configuration stands: applied, on its way, refused, or not confirmed, and why.
import { Loader } from '@mantine/core';
import { getRouteApi } from '@tanstack/react-router';
import { SearchX, Settings2 } from 'lucide-react';
import { useMemo } from 'react';
import { DELIVERY_STATES } from '../api/configs.ts';
import { useDeliveries } from '../data/configs.ts';
import { Chips } from '../parts/Chips.tsx';
import { DataList } from '../parts/DataList.tsx';
import { Empty } from '../parts/Empty.tsx';
import { Fault } from '../parts/Fault.tsx';
import { More } from '../parts/More.tsx';
import { Page } from '../parts/Page.tsx';
import { configsText } from '../text/configs.ts';
import { text } from '../text.ts';
import { Areas } from './Areas.tsx';
import { deliveryColumns } from './columns.tsx';

const words = configsText.delivery;
const route = getRouteApi('/app/configs');

export function Configs() {
  const { state } = route.useSearch();
  const navigate = route.useNavigate();
  const list = useDeliveries(state);
  const rows = useMemo(() => list.data?.pages.flatMap(({ items }) => items) ?? [], [list.data]);
  const counts = list.data?.pages[0]?.counts;
  return (
    <Page title={configsText.title}>
      <Areas current="deliveries" />
      {counts && (
        <Chips
          label={words.filter}
          chips={DELIVERY_STATES.filter((key) => counts[key] > 0 || key === state).map((key) => ({
            key,
            label: words.states[key],
            count: counts[key],
          }))}
          chosen={state ? [state] : []}
          onChange={(chosen) => {
            // One at a time: the server knows no more, and its counts show the others.
            const next = chosen.find((key) => key !== state);
            void navigate({ search: next ? { state: next } : {}, replace: true });
          }}
        />
      )}
      {list.error && <Fault error={list.error} onRetry={() => void list.refetch()} />}
      {list.isPending && !list.error && <Loader aria-label={text.loading} mx="auto" my="xl" />}
      {rows.length > 0 && (
        <DataList
          label={words.table}
          columns={deliveryColumns}
          rows={rows}
          rowKey={(row) => row.agent_id}
          rowHeight={45}
        />
      )}
      {list.data && rows.length === 0 && (
        <Empty
          icon={state ? SearchX : Settings2}
          {...(state ? { title: words.noMatch } : words.empty)}
        />
      )}
      <More list={list} label={words.older} kept={words.kept} />
    </Page>
  );
}
