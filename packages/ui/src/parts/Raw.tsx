// Text as it was written or sent, which scrolls by itself when it is long.
import { visible } from '../lib/visible.ts';
import s from './Raw.module.css';

/** @param props.label what it is, to a screen reader */
export function Raw({ label, text }: { label: string; text: string }) {
  return (
    // Focusable, because it scrolls.
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex
    <pre className={s.raw} tabIndex={0} aria-label={label}>
      {visible(text)}
    </pre>
  );
}
