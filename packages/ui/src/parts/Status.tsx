// How an agent is: icon, word, and beside every bad state its reason and the next step. Never colour alone.
import {
  CircleAlert,
  CircleCheck,
  CircleDashed,
  CircleSlash,
  type LucideIcon,
  TriangleAlert,
} from 'lucide-react';
import type { Standing, Tone } from '../fleet/standing.ts';
import { visible } from '../lib/visible.ts';
import { text } from '../text.ts';
import s from './Status.module.css';

const ICONS: Readonly<Record<Tone, LucideIcon>> = {
  good: CircleCheck,
  busy: CircleDashed,
  idle: CircleSlash,
  warn: TriangleAlert,
  bad: CircleAlert,
};

export function Status({ standing }: { standing: Standing }) {
  const { key, tone, reason, hint } = standing;
  return (
    <div className={s.status}>
      <Mark tone={tone} word={text.status[key]} />
      {reason && <span className={s.reason}>{visible(reason)}</span>}
      {hint && <code className={s.hint}>{hint}</code>}
    </div>
  );
}

/** Icon and word in the colour of the tone. */
export function Mark({ tone, word }: { tone: Tone; word: string }) {
  const Icon = ICONS[tone];
  return (
    <span className={s.mark} data-tone={tone}>
      <Icon size={14} aria-hidden />
      {word}
    </span>
  );
}
