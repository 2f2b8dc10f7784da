// The views of one screen, each with an address of its own.
import { type ReactNode, useLayoutEffect, useRef } from 'react';
import s from './Views.module.css';

export interface ViewLink {
  className: string;
  'data-current': '' | undefined;
  'aria-current': 'page' | undefined;
  children: ReactNode;
}

export function Views<K extends string>(props: {
  label: string;
  views: readonly { key: K; label: ReactNode }[];
  current: K;
  /** Draws the link to a view. */
  link: (key: K, link: ViewLink) => ReactNode;
}) {
  const nav = useRef<HTMLElement>(null);
  // On a narrow page the row scrolls: the current view is not to hide at its end.
  // biome-ignore lint/correctness/useExhaustiveDependencies: whenever another view is shown
  useLayoutEffect(() => {
    const row = nav.current;
    const link = row?.querySelector<HTMLElement>('[data-current]');
    if (!row || !link) return;
    const { left, right } = link.getBoundingClientRect();
    const box = row.getBoundingClientRect();
    if (right > box.right) row.scrollLeft += right - box.right;
    else if (left < box.left) row.scrollLeft -= box.left - left;
  }, [props.current]);
  return (
    <nav ref={nav} className={s.views} aria-label={props.label}>
      {props.views.map(({ key, label }) =>
        props.link(key, {
          className: s.view ?? '',
          'data-current': key === props.current ? '' : undefined,
          'aria-current': key === props.current ? 'page' : undefined,
          children: label,
        }),
      )}
    </nav>
  );
}
