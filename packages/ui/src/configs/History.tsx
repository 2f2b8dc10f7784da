// Versions of a layer: who wrote them, when and why; what differs between any two, and the way back.
import { Loader } from '@mantine/core';
import { useMemo, useState } from 'react';
import type { LayerVersion, Where } from '../api/configs.ts';
import { useHistory } from '../data/configs.ts';
import { DataList } from '../parts/DataList.tsx';
import { Fault } from '../parts/Fault.tsx';
import { More } from '../parts/More.tsx';
import { configsText } from '../text/configs.ts';
import { text } from '../text.ts';
import { Compare } from './Compare.tsx';
import { historyColumns } from './columns.tsx';
import { Rollback } from './Rollback.tsx';

const words = configsText.history;
const NONE: readonly LayerVersion[] = [];

export function History(props: {
  where: Where;
  name: string;
  mayWrite: boolean;
  /** Versions that are compared, as the address says. */
  from: number | undefined;
  to: number | undefined;
  onCompare: (from: number, to: number) => void;
  onDone: (said: string) => void;
}) {
  const { where, mayWrite, onCompare } = props;
  const history = useHistory(where);
  const [back, setBack] = useState<LayerVersion>();
  const rows = useMemo(
    () => history.data?.pages.flatMap(({ items }) => items) ?? NONE,
    [history.data],
  );
  const head = rows[0];
  const to = props.to ?? head?.version;
  const from = props.from ?? (to === undefined ? undefined : Math.max(0, to - 1));
  const shape = useMemo(
    () =>
      historyColumns({
        newest: head?.version,
        onCompare: (version) => onCompare(Math.max(0, version - 1), version),
        onBack: mayWrite ? setBack : undefined,
      }),
    [head?.version, mayWrite, onCompare],
  );
  const fault = history.error && (
    <Fault error={history.error} onRetry={() => void history.refetch()} />
  );
  if (!history.data && fault) return fault;
  if (!history.data) return <Loader aria-label={text.loading} mx="auto" my="xl" />;
  if (!head) return <p className="muted">{words.empty}</p>;
  return (
    <>
      {fault}
      {from !== undefined && to !== undefined && (
        <Compare where={where} rows={rows} from={from} to={to} onCompare={onCompare} />
      )}
      <DataList
        label={words.table}
        columns={shape}
        rows={rows}
        rowKey={(row) => String(row.version)}
        rowHeight={49}
        isOpen={(row) => row.version === to}
      />
      <More list={history} label={words.older} kept={words.kept} />
      <Rollback
        where={where}
        head={head.version}
        to={back}
        onClose={() => setBack(undefined)}
        onDone={(said) => {
          setBack(undefined);
          props.onDone(said);
        }}
      />
    </>
  );
}
