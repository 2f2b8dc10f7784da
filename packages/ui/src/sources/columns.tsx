// The columns of the sources. A host's name is written by whoever sends the lines.
import { Link } from '@tanstack/react-router';
import type { Source } from '../api/sources.ts';
import { Breakable } from '../parts/Breakable.tsx';
import type { Column } from '../parts/DataList.tsx';
import { Mark } from '../parts/Status.tsx';
import { TimeAgo } from '../parts/TimeAgo.tsx';
import { sourcesText } from '../text/sources.ts';
import s from './Sources.module.css';

const names = sourcesText.columns;
const words = sourcesText.states;

function StateMark({ silent, silent_after: after }: Pick<Source, 'silent' | 'silent_after'>) {
  if (silent) return <Mark tone="warn" word={words.silent} />;
  return (
    <Mark
      tone={after === null ? 'idle' : 'good'}
      word={after === null ? words.irregular : words.heard}
    />
  );
}

export const columns: readonly Column<Source>[] = [
  {
    key: 'source',
    header: names.source,
    width: 'minmax(200px, 2.4fr)',
    lead: true,
    cell: ({ topic, host }) => (
      <>
        <div className={s.name}>
          {host === null ? sourcesText.whole : <Breakable text={host} />}
        </div>
        <div className={s.topic}>
          <Breakable text={topic} />
        </div>
      </>
    ),
  },
  {
    key: 'state',
    header: names.state,
    width: '136px',
    lead: true,
    cell: (row) => <StateMark {...row} />,
  },
  {
    key: 'last',
    header: names.last,
    width: '112px',
    cell: ({ last_at }) => <TimeAgo at={last_at} />,
  },
  {
    key: 'after',
    header: names.after,
    width: '104px',
    cell: ({ silent_after: after }) => after !== null && sourcesText.span(after),
  },
  {
    key: 'gap',
    header: names.gap,
    width: '104px',
    cell: ({ longest_gap }) => sourcesText.span(longest_gap),
  },
  {
    key: 'agent',
    header: names.agent,
    width: 'minmax(120px, 1fr)',
    cell: ({ agent_id, agent_name }) => (
      <Link className="link" to="/sources" search={(search) => ({ ...search, agent: agent_id })}>
        <Breakable text={agent_name} />
      </Link>
    ),
  },
];
