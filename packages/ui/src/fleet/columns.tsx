// The columns of the fleet.
import { Link } from '@tanstack/react-router';
import { useMayFor } from '../data/me.ts';
import { Breakable } from '../parts/Breakable.tsx';
import type { Column } from '../parts/DataList.tsx';
import { Status } from '../parts/Status.tsx';
import { TimeAgo } from '../parts/TimeAgo.tsx';
import { text } from '../text.ts';
import s from './Fleet.module.css';
import type { FleetRow } from './filter.ts';

const names = text.fleet.columns;

export const columns: readonly Column<FleetRow>[] = [
  {
    key: 'agent',
    header: names.agent,
    width: 'minmax(158px, 1.2fr)',
    lead: true,
    cell: ({ agent }) => (
      <span className={s.name} title={`${agent.agent_id}\n${agent.description}`}>
        <Breakable text={agent.name} />
      </span>
    ),
  },
  {
    key: 'status',
    header: names.status,
    width: 'minmax(160px, 3fr)',
    lead: true,
    cell: ({ standing }) => <Status standing={standing} />,
  },
  {
    key: 'type',
    header: names.type,
    width: 'minmax(90px, 0.7fr)',
    cell: ({ agent }) => <Breakable text={agent.type} />,
  },
  { key: 'version', header: names.version, width: '72px', cell: ({ agent }) => agent.version },
  {
    key: 'heartbeat',
    header: names.heartbeat,
    width: '104px',
    cell: ({ agent }) =>
      agent.last_heartbeat ? (
        <TimeAgo at={agent.last_heartbeat} />
      ) : (
        <span className="muted">{text.fleet.never}</span>
      ),
  },
  {
    key: 'config',
    header: names.config,
    width: '60px',
    align: 'end',
    cell: ({ agent }) => <ConfigLink agent={agent} />,
  },
  {
    key: 'findings',
    header: names.findings,
    width: '72px',
    align: 'end',
    cell: ({ agent }) => (
      <Link
        className="link"
        to="/findings"
        search={{ agent: agent.agent_id }}
        aria-label={text.fleet.findingsOf(agent.name, agent.findings_count)}
      >
        {agent.findings_count}
      </Link>
    ),
  },
  {
    key: 'restarts',
    header: names.restarts,
    width: '66px',
    align: 'end',
    cell: ({ agent }) => agent.restarts,
  },
];

/** The version of its own layer, which leads to its configuration for whoever may see it. */
function ConfigLink({ agent }: Pick<FleetRow, 'agent'>) {
  const version = `v${agent.config_version}`;
  if (!useMayFor('configs:read', agent)) return version;
  return (
    <Link
      className="link"
      to="/configs/agents/$agent"
      params={{ agent: agent.agent_id }}
      aria-label={text.fleet.configOf(agent.name, version)}
    >
      {version}
    </Link>
  );
}
