// Values of a configuration as a list with a filter: by text, and by the layer they come from.
import { SearchX } from 'lucide-react';
import { useMemo, useState } from 'react';
import { Chips } from '../parts/Chips.tsx';
import { type Column, DataList } from '../parts/DataList.tsx';
import { Empty } from '../parts/Empty.tsx';
import { FilterBar } from '../parts/FilterBar.tsx';
import { configsText } from '../text/configs.ts';
import { type KeyRow, type LayerRow, matchingKeys } from './keys.ts';
import { layerName } from './Origin.tsx';

const words = configsText.keys;
const FEW = 10;

export function KeyList(props: {
  rows: readonly KeyRow[];
  columns: readonly Column<KeyRow>[];
  /** Absent: of one layer by itself. */
  layers?: readonly LayerRow[];
}) {
  const { rows, columns, layers = [] } = props;
  const [q, setText] = useState('');
  const [from, setFrom] = useState<string[]>([]);
  const shown = useMemo(() => matchingKeys(rows, q, from), [rows, q, from]);
  const isFiltered = q !== '' || from.length > 0;
  if (rows.length === 0) return <p className="muted">{words.empty}</p>;
  // A handful is seen at a glance.
  const isFilterable = layers.length > 0 || rows.length > FEW;
  return (
    <>
      {isFilterable && (
        <FilterBar
          label={words.filter}
          placeholder={layers.length > 0 ? words.filterPlaceholder : words.filterOwn}
          q={q}
          onText={setText}
          onClear={
            isFiltered
              ? () => {
                  setText('');
                  setFrom([]);
                }
              : undefined
          }
        >
          <Chips
            label={words.filterLayer}
            chips={layers
              .filter(({ label, wins }) => wins > 0 || from.includes(label))
              .map(({ label, wins }) => ({ key: label, label: layerName(label), count: wins }))}
            chosen={from}
            onChange={setFrom}
          />
        </FilterBar>
      )}
      {shown.length > 0 && (
        <DataList
          label={words.table}
          columns={columns}
          rows={shown}
          rowKey={(row) => row.id}
          rowHeight={45}
        />
      )}
      {shown.length === 0 && <Empty icon={SearchX} title={words.noMatch} />}
    </>
  );
}
