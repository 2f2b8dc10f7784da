// What one agent is told: all layers in their order, and every value with the layer it comes from.

import { Loader } from '@mantine/core';
import { useMemo } from 'react';
import type { EffectiveConfig } from '../api/configs.ts';
import { visible } from '../lib/visible.ts';
import { Breakable } from '../parts/Breakable.tsx';
import { type Column, DataList } from '../parts/DataList.tsx';
import { Fault } from '../parts/Fault.tsx';
import { Section } from '../parts/Section.tsx';
import { TimeAgo } from '../parts/TimeAgo.tsx';
import { configsText } from '../text/configs.ts';
import { text } from '../text.ts';
import s from './Configs.module.css';
import { keyColumns } from './columns.tsx';
import { KeyList } from './KeyList.tsx';
import { keyRows, type LayerRow, layerRows } from './keys.ts';
import { LayerLink, Origin, Pinned } from './Origin.tsx';

const words = configsText.layers;

export function InForce(props: {
  effective: { data: EffectiveConfig | undefined; error: unknown; refetch: () => unknown };
}) {
  const { data, error, refetch } = props.effective;
  return (
    <>
      {error !== null && <Fault error={error} onRetry={() => void refetch()} />}
      {!data && error === null && <Loader aria-label={text.loading} mx="auto" my="xl" />}
      {data && <Whole effective={data} />}
    </>
  );
}

function Whole({ effective }: { effective: EffectiveConfig }) {
  const { agent_id: agentId, layers } = effective;
  const rows = useMemo(() => keyRows(effective.config, effective.origins), [effective]);
  const inOrder = useMemo(() => layerRows(effective), [effective]);
  const columns = useMemo(
    () =>
      keyColumns((label) => (
        <Origin
          label={label}
          stored={Object.hasOwn(layers, label) ? layers[label] : undefined}
          agentId={agentId}
        />
      )),
    [layers, agentId],
  );
  const shape = useMemo(() => layerColumns(agentId), [agentId]);
  return (
    <>
      <KeyList rows={rows} columns={columns} layers={inOrder} />
      <Section title={words.title} note={words.note}>
        <DataList
          label={words.table}
          columns={shape}
          rows={inOrder}
          rowKey={(row) => row.label}
          rowHeight={45}
        />
      </Section>
    </>
  );
}

function layerColumns(agentId: string): readonly Column<LayerRow>[] {
  const names = words.columns;
  return [
    {
      key: 'layer',
      header: names.layer,
      width: 'minmax(150px, 1.3fr)',
      lead: true,
      cell: ({ label }) => (
        <span className={s.state}>
          <span className={s.name}>
            <LayerLink label={label} agentId={agentId} />
          </span>
          {Object.hasOwn(words.notes, label) && (
            <span className="muted">{words.notes[label as keyof typeof words.notes]}</span>
          )}
        </span>
      ),
    },
    {
      key: 'version',
      header: names.version,
      width: '116px',
      cell: ({ label, stored }) => {
        if (stored) {
          return (
            <>
              {configsText.version(stored.version)} <Pinned stored={stored} />
            </>
          );
        }
        if (Object.hasOwn(words.notes, label)) return null;
        return <span className="muted">{configsText.unwritten}</span>;
      },
    },
    { key: 'wins', header: names.wins, width: '112px', align: 'end', cell: ({ wins }) => wins },
    {
      key: 'author',
      header: names.author,
      width: 'minmax(90px, 0.7fr)',
      cell: ({ stored }) => (stored ? <Breakable text={stored.author} /> : null),
    },
    {
      key: 'when',
      header: names.when,
      width: '104px',
      cell: ({ stored }) => (stored ? <TimeAgo at={stored.created_at} /> : null),
    },
    {
      key: 'reason',
      header: names.reason,
      width: 'minmax(120px, 1.6fr)',
      cell: ({ stored }) => (stored?.reason ? visible(stored.reason) : null),
    },
  ];
}
