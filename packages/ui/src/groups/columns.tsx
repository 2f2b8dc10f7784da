// The columns of the groups, and of the agents in one.
import type { Agent } from '@opmas/protocol';
import { Link } from '@tanstack/react-router';
import type { Group } from '../api/groups.ts';
import { standing } from '../fleet/standing.ts';
import { visible } from '../lib/visible.ts';
import { Breakable } from '../parts/Breakable.tsx';
import type { Column } from '../parts/DataList.tsx';
import { Mark } from '../parts/Status.tsx';
import { TimeAgo } from '../parts/TimeAgo.tsx';
import { groupsText } from '../text/groups.ts';
import { text } from '../text.ts';
import s from './Groups.module.css';

const names = groupsText.columns;

export const groupColumns: readonly Column<Group>[] = [
  {
    key: 'name',
    header: names.name,
    width: 'minmax(150px, 1.4fr)',
    lead: true,
    cell: (row) => (
      <>
        <Link to="/groups/$name" params={{ name: row.name }} className={s.name}>
          <Breakable text={row.name} />
        </Link>
        {row.description !== '' && <div className={s.what}>{visible(row.description)}</div>}
      </>
    ),
  },
  {
    key: 'selector',
    header: names.selector,
    width: 'minmax(180px, 2fr)',
    lead: true,
    cell: (row) => (
      <code className={s.selector}>
        <Breakable text={row.selector} />
      </code>
    ),
  },
  { key: 'agents', header: names.agents, width: '72px', align: 'end', cell: (row) => row.agents },
  {
    key: 'priority',
    header: names.priority,
    width: '72px',
    align: 'end',
    cell: (row) => row.priority,
  },
  {
    key: 'updated',
    header: names.updated,
    width: '104px',
    cell: (row) => <TimeAgo at={row.updated_at} />,
  },
];

const ofMember = groupsText.members.columns;

export const memberColumns: readonly Column<Agent>[] = [
  {
    key: 'agent',
    header: ofMember.agent,
    width: 'minmax(150px, 1.4fr)',
    lead: true,
    cell: (agent) => (
      <Link to="/configs/agents/$agent" params={{ agent: agent.agent_id }} className={s.name}>
        <Breakable text={agent.name} />
      </Link>
    ),
  },
  {
    key: 'status',
    header: ofMember.status,
    width: 'minmax(140px, 1fr)',
    cell: (agent) => {
      const { key, tone } = standing(agent);
      return <Mark tone={tone} word={text.status[key]} />;
    },
  },
  {
    key: 'type',
    header: ofMember.type,
    width: 'minmax(90px, 0.8fr)',
    cell: (a) => <Breakable text={a.type} />,
  },
  {
    key: 'tags',
    header: ofMember.tags,
    width: 'minmax(140px, 2fr)',
    cell: (agent) => <Breakable text={agent.tags.join(', ')} />,
  },
];
