// The first rows of a list; the others when they are asked for.
import { Button } from '@mantine/core';
import { type ReactNode, useState } from 'react';
import { rulesText } from '../../text/rules.ts';
import s from './Try.module.css';

export function Bounded<T>(props: {
  rows: readonly T[];
  first: number;
  children: (rows: readonly T[]) => ReactNode;
}) {
  const { rows, first, children } = props;
  const [isWhole, setWhole] = useState(false);
  const hidden = isWhole ? 0 : Math.max(0, rows.length - first);
  return (
    <>
      {children(hidden > 0 ? rows.slice(0, first) : rows)}
      {hidden > 0 && (
        <Button variant="default" size="xs" className={s.take ?? ''} onClick={() => setWhole(true)}>
          {rulesText.trial.showMore(hidden)}
        </Button>
      )}
    </>
  );
}
