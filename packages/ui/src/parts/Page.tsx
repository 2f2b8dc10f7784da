// The frame of a screen: its one heading, its title in the browser's tab, its content.
import { useDocumentTitle } from '@mantine/hooks';
import type { ReactNode } from 'react';
import { text } from '../text.ts';
import s from './Page.module.css';

export function Page(props: { title: string; aside?: ReactNode; children: ReactNode }) {
  useDocumentTitle(`${props.title} · ${text.product}`);
  return (
    <div className={s.page}>
      <div className={s.top}>
        <h1 className={s.title}>{props.title}</h1>
        {props.aside}
      </div>
      {props.children}
    </div>
  );
}
