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
  /** It stands for the whole screen, so its title is the screen's heading. */
  isScreen?: boolean;
  children?: ReactNode;
}) {
  const { icon: Icon, title, line } = props;
  const Title = props.isScreen ? 'h1' : 'p';
  return (
    <div className={s.empty}>
      <Icon size={28} strokeWidth={1.5} aria-hidden className={s.icon} />
      <Title className={s.title}>{title}</Title>
      {props.text && <p className={s.text}>{props.text}</p>}
      {line && <CopyLine line={line} />}
      {props.children}
    </div>
  );
}
