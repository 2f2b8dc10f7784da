// What lies in the agents directory and does not run: which line is wrong, or what it waits for.
import type { AgentPackage } from '@opmas/protocol';
import { Link } from '@tanstack/react-router';
import { usePackages } from '../data/queries.ts';
import { Breakable } from '../parts/Breakable.tsx';
import { type Column, DataList } from '../parts/DataList.tsx';
import { Fault } from '../parts/Fault.tsx';
import { Faults } from '../parts/Faults.tsx';
import { Mark } from '../parts/Status.tsx';
import { TimeAgo } from '../parts/TimeAgo.tsx';
import { text } from '../text.ts';
import s from './Fleet.module.css';

const names = text.packages.columns;
const FAULTS_SHOWN = 5;

export function Packages() {
  const packages = usePackages();
  const rows = (packages.data ?? []).filter(isHeld).sort(invalidFirst);
  return (
    <section id="packages" className={s.packages} aria-labelledby="packages-title" tabIndex={-1}>
      {(rows.length > 0 || packages.error) && (
        <div className={s.top}>
          <h2 id="packages-title">{text.packages.title}</h2>
          <Link to="/packages" className="link">
            {text.packages.all}
          </Link>
        </div>
      )}
      {packages.error && <Fault error={packages.error} onRetry={() => void packages.refetch()} />}
      {rows.length > 0 && (
        <DataList
          label={text.packages.table}
          columns={columns}
          rows={rows}
          rowKey={(row) => row.path}
          rowHeight={64}
        />
      )}
    </section>
  );
}

const columns: readonly Column<AgentPackage>[] = [
  {
    key: 'name',
    header: names.name,
    width: 'minmax(150px, 1.2fr)',
    lead: true,
    cell: (row) => (
      <>
        <div className={s.name}>
          <Breakable text={row.name} />
        </div>
        <div className={s.path}>
          <Breakable text={row.path} />
        </div>
      </>
    ),
  },
  {
    key: 'state',
    header: names.state,
    width: '110px',
    lead: true,
    cell: ({ state }) => (
      <Mark tone={state === 'invalid' ? 'bad' : 'warn'} word={text.packages.states[state]} />
    ),
  },
  {
    key: 'errors',
    header: names.errors,
    width: 'minmax(220px, 3fr)',
    lead: true,
    cell: (row) => <Reasons row={row} />,
  },
  {
    key: 'updated',
    header: names.updated,
    width: '104px',
    cell: ({ updated_at }) => <TimeAgo at={updated_at} />,
  },
];

function Reasons({ row }: { row: AgentPackage }) {
  const faults = [...row.errors, ...row.warnings];
  const hidden = faults.length - FAULTS_SHOWN;
  return (
    <div className={s.held}>
      {row.state === 'waiting' && (
        <span>
          {text.packages.waitingHint}{' '}
          <Link to="/packages" search={{ package: row.name }} className="link">
            {text.packages.decide}
          </Link>
        </span>
      )}
      {faults.length > 0 && <Faults faults={faults.slice(0, FAULTS_SHOWN)} />}
      {hidden > 0 && <span className="muted">{text.packages.more(hidden)}</span>}
    </div>
  );
}

function isHeld({ state }: AgentPackage): boolean {
  return state === 'invalid' || state === 'waiting';
}

function invalidFirst(a: AgentPackage, b: AgentPackage): number {
  return a.state === b.state ? a.name.localeCompare(b.name) : a.state === 'invalid' ? -1 : 1;
}
