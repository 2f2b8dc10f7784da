// The small page in the middle that sign-in and set-up share.
import type { ReactNode } from 'react';
import { Logo } from '../shell/Logo.tsx';
import { ThemeSwitch } from '../shell/ThemeSwitch.tsx';
import { text } from '../text.ts';
import s from './Card.module.css';

export function Card(props: { title: string; intro?: string; children: ReactNode }) {
  return (
    <main className={s.page}>
      <div className={s.corner}>
        <ThemeSwitch />
      </div>
      <div className={s.card}>
        <div className={s.brand}>
          <Logo size={34} />
          <div>
            <div className={s.product}>{text.product}</div>
            <div className={s.tagline}>{text.tagline}</div>
          </div>
        </div>
        <h1 className={s.title}>{props.title}</h1>
        {props.intro && <p className={s.intro}>{props.intro}</p>}
        {props.children}
      </div>
    </main>
  );
}
