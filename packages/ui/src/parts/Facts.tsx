// Names and values of one thing; what has no value is left out.
import type { ReactNode } from 'react';
import { visible } from '../lib/visible.ts';
import s from './Facts.module.css';

export function Facts({ children }: { children: ReactNode }) {
  return <dl className={s.facts}>{children}</dl>;
}

export function Fact({ name, children }: { name: string; children: ReactNode }) {
  if (children === undefined || children === null || children === false || children === '') {
    return null;
  }
  return (
    <>
      <dt>{name}</dt>
      <dd>{typeof children === 'string' ? visible(children) : children}</dd>
    </>
  );
}
