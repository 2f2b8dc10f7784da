// The columns of the audit log.
import { UnstyledButton } from '@mantine/core';
import type { AuditRecord } from '@opmas/protocol';
import type { Tone } from '../fleet/standing.ts';
import { useNow } from '../lib/clock.ts';
import { absolute, shortTime } from '../lib/time.ts';
import { visible } from '../lib/visible.ts';
import { Breakable } from '../parts/Breakable.tsx';
import type { Column } from '../parts/DataList.tsx';
import { Mark } from '../parts/Status.tsx';
import { auditText } from '../text/audit.ts';
import s from './Audit.module.css';
import type { Outcome } from './filter.ts';

const names = auditText.columns;

const TONES: Readonly<Record<Outcome, Tone>> = { ok: 'good', refused: 'warn', failed: 'bad' };

export function OutcomeMark({ outcome }: { outcome: Outcome }) {
  // An outcome this page does not know, from a newer server, is shown as its own word.
  return <Mark tone={TONES[outcome] ?? 'idle'} word={auditText.outcomes[outcome] ?? outcome} />;
}

export function Actor({ entry }: { entry: AuditRecord }) {
  const who = entry.actor ?? entry.actor_id;
  if (who) return <Breakable text={who} />;
  return (
    <span className="muted">{entry.erased ? auditText.erased : visible(entry.actor_kind)}</span>
  );
}

export function columns(open: (id: string) => void): readonly Column<AuditRecord>[] {
  return [
    {
      key: 'time',
      header: names.time,
      width: '140px',
      lead: true,
      cell: (entry) => (
        <UnstyledButton
          className={s.time ?? ''}
          title={absolute(entry.time)}
          onClick={() => open(String(entry.audit_id))}
        >
          <Time at={entry.time} />
        </UnstyledButton>
      ),
    },
    {
      key: 'actor',
      header: names.actor,
      width: 'minmax(90px, 0.8fr)',
      cell: (entry) => <Actor entry={entry} />,
    },
    {
      key: 'action',
      header: names.action,
      width: 'minmax(130px, 1.1fr)',
      cell: (entry) => (
        <span className={s.action}>
          <Breakable text={entry.action} />
        </span>
      ),
    },
    {
      key: 'object',
      header: names.object,
      width: 'minmax(120px, 1.6fr)',
      cell: (entry) =>
        entry.object && (
          <div className={s.clip} title={visible(entry.object)}>
            {visible(entry.object)}
          </div>
        ),
    },
    {
      key: 'outcome',
      header: names.outcome,
      width: '104px',
      cell: (entry) => <OutcomeMark outcome={entry.outcome} />,
    },
    {
      key: 'remote',
      header: names.remote,
      width: '120px',
      cell: (entry) => entry.remote && <Breakable text={entry.remote} />,
    },
  ];
}

function Time({ at }: { at: string }) {
  return <time dateTime={at}>{shortTime(at, useNow())}</time>;
}
