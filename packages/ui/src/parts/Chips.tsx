// A row of filters that are on or off, each with its count.
import { UnstyledButton } from '@mantine/core';
import type { ReactNode } from 'react';
import s from './Chips.module.css';

export interface Chip<K extends string> {
  key: K;
  label: ReactNode;
  count?: number;
}

export function Chips<K extends string>(props: {
  label: string;
  chips: readonly Chip<K>[];
  chosen: readonly K[];
  onChange: (next: K[]) => void;
}) {
  const { chips, chosen, onChange } = props;
  const toggle = (key: K) =>
    onChange(chosen.includes(key) ? chosen.filter((other) => other !== key) : [...chosen, key]);
  return (
    <div className={s.chips} role="group" aria-label={props.label}>
      {chips.map(({ key, label, count }) => (
        <UnstyledButton
          key={key}
          className={s.chip}
          aria-pressed={chosen.includes(key)}
          onClick={() => toggle(key)}
        >
          {label}
          {count !== undefined && <span className={s.count}>{count}</span>}
        </UnstyledButton>
      ))}
    </div>
  );
}
