// What stands where nothing is yet: why, and the line that changes it.
import type { LucideIcon } from 'lucide-react';
import type { ReactNode } from 'react';
import { CopyLine } from './CopyLine.tsx';
import s from './Empty.module.css';

export function Empty(props: {
  icon: LucideIcon;
  title: string;
  text?: string;
  line?: string;
  children?: ReactNode;
}) {
  const { icon: Icon, title, line } = props;
  return (
    <div className={s.empty}>
      <Icon size={28} strokeWidth={1.5} aria-hidden className={s.icon} />
      <p className={s.title}>{title}</p>
      {props.text && <p className={s.text}>{props.text}</p>}
      {line && <CopyLine line={line} />}
      {props.children}
    </div>
  );
}
