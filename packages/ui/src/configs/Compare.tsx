// What differs between two versions of a layer, chosen by number.
import { NativeSelect } from '@mantine/core';
import type { LayerVersion, Where } from '../api/configs.ts';
import { useDiff } from '../data/configs.ts';
import { writeDocument } from '../lib/json-text.ts';
import { Fault } from '../parts/Fault.tsx';
import { Raw } from '../parts/Raw.tsx';
import { Section } from '../parts/Section.tsx';
import { configsText } from '../text/configs.ts';
import { text } from '../text.ts';
import { Changes } from './Changes.tsx';
import s from './Configs.module.css';

const words = configsText.history;

export function Compare(props: {
  where: Where;
  rows: readonly LayerVersion[];
  from: number;
  to: number;
  onCompare: (from: number, to: number) => void;
}) {
  const { where, rows, from, to, onCompare } = props;
  const diff = useDiff(where, from, to);
  // Versions of the address that were not loaded yet can be compared all the same.
  const known = [...new Set([...rows.map(({ version }) => version), from, to])]
    .filter((version) => version > 0)
    .toSorted((a, b) => b - a);
  const choices = known.map((version) => ({ value: String(version), label: String(version) }));
  const whole = rows.find(({ version }) => version === to);
  return (
    <Section
      title={words.compare}
      aside={
        <div className={s.pair}>
          <NativeSelect
            label={words.from}
            value={String(from)}
            onChange={(event) => onCompare(Number(event.currentTarget.value), to)}
            data={[...choices, { value: '0', label: words.beginning }]}
          />
          <NativeSelect
            label={words.to}
            value={String(to)}
            onChange={(event) => onCompare(from, Number(event.currentTarget.value))}
            data={choices}
          />
        </div>
      }
    >
      {from === to && <p className={s.note}>{words.same}</p>}
      {diff.error && <Fault error={diff.error} onRetry={() => void diff.refetch()} />}
      <div className={s.diff}>
        {from !== to && diff.isPending && !diff.error && <p className={s.note}>{text.loading}</p>}
        {from !== to && diff.data && <Changes diff={diff.data} label={words.changesOf(to)} />}
      </div>
      {whole && (
        <details className={s.long}>
          <summary>{words.whole(to)}</summary>
          <Raw label={words.whole(to)} text={writeDocument(whole.config)} />
        </details>
      )}
    </Section>
  );
}
