// How bad a finding is: icon and word.
import type { Severity } from '@opmas/protocol';
import { CircleAlert, Info, type LucideIcon, OctagonAlert, TriangleAlert } from 'lucide-react';
import { text } from '../text.ts';
import s from './Status.module.css';

const LOOKS: Readonly<Record<Severity, { icon: LucideIcon; tone: string }>> = {
  info: { icon: Info, tone: 'busy' },
  warning: { icon: TriangleAlert, tone: 'warn' },
  error: { icon: CircleAlert, tone: 'bad' },
  critical: { icon: OctagonAlert, tone: 'dire' },
};

export function SeverityMark({ severity }: { severity: Severity }) {
  // A severity this page does not know, from a newer server, is shown as its own word.
  const { icon: Icon, tone } = LOOKS[severity] ?? LOOKS.info;
  return (
    <span className={s.mark} data-tone={tone}>
      <Icon size={14} aria-hidden />
      {text.severity[severity] ?? severity}
    </span>
  );
}
