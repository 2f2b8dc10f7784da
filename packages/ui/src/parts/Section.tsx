// A titled part of a screen, on a card of its own.
import { type ReactNode, useId } from 'react';
import s from './Section.module.css';

export function Section(props: {
  title: string;
  note?: ReactNode;
  aside?: ReactNode;
  children?: ReactNode;
}) {
  const id = useId();
  return (
    <section className={s.section} aria-labelledby={id}>
      <div className={s.top}>
        <div>
          <h2 id={id} className={s.title}>
            {props.title}
          </h2>
          {props.note && <p className={s.note}>{props.note}</p>}
        </div>
        {props.aside}
      </div>
      {props.children}
    </section>
  );
}
