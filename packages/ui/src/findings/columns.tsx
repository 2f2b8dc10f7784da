// The columns of the findings. Everything an event or an agent wrote is shown as text, never as markup.
import { UnstyledButton } from '@mantine/core';
import type { FindingRecord } from '@opmas/protocol';
import { useNow } from '../lib/clock.ts';
import { absolute, relative, shortTime } from '../lib/time.ts';
import { visible } from '../lib/visible.ts';
import { Breakable } from '../parts/Breakable.tsx';
import type { Column } from '../parts/DataList.tsx';
import { SeverityMark } from '../parts/SeverityMark.tsx';
import { text } from '../text.ts';
import { factsOf } from './event.ts';
import s from './Findings.module.css';

const names = text.findings.columns;

export function columns(open: (id: string) => void): readonly Column<FindingRecord>[] {
  return [
    {
      key: 'severity',
      header: names.severity,
      width: '96px',
      lead: true,
      cell: ({ severity }) => <SeverityMark severity={severity} />,
    },
    {
      key: 'description',
      header: names.description,
      width: 'minmax(240px, 4fr)',
      lead: true,
      cell: (finding) => <Words finding={finding} onOpen={() => open(finding.finding_id)} />,
    },
    {
      key: 'type',
      header: names.type,
      width: 'minmax(160px, 1fr)',
      cell: ({ type }) => <Breakable text={type} />,
    },
    {
      key: 'agent',
      header: names.agent,
      width: 'minmax(120px, 1fr)',
      cell: ({ agent_name }) => <Breakable text={agent_name} />,
    },
    {
      key: 'time',
      header: names.time,
      width: '132px',
      cell: ({ timestamp }) => <Time at={timestamp} />,
    },
  ];
}

function Words({ finding, onOpen }: { finding: FindingRecord; onOpen: () => void }) {
  const { host, message } = factsOf(finding);
  return (
    <>
      <UnstyledButton className={s.open} onClick={onOpen}>
        {visible(finding.description || finding.type)}
      </UnstyledButton>
      {(host || message) && (
        <div className={s.message}>
          {host && <span className={s.host}>{visible(host)}</span>}
          {message && visible(message)}
        </div>
      )}
    </>
  );
}

function Time({ at }: { at: string }) {
  const now = useNow();
  return (
    <time dateTime={at} title={`${relative(at, now)}\n${absolute(at)}`}>
      {shortTime(at, now)}
    </time>
  );
}
