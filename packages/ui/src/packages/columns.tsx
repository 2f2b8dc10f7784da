// The columns of the packages.
import type { AgentPackage } from '@opmas/protocol';
import { Link } from '@tanstack/react-router';
import type { Tone } from '../fleet/standing.ts';
import { visible } from '../lib/visible.ts';
import { Breakable } from '../parts/Breakable.tsx';
import type { Column } from '../parts/DataList.tsx';
import { Digest } from '../parts/Digest.tsx';
import { Mark } from '../parts/Status.tsx';
import { TimeAgo } from '../parts/TimeAgo.tsx';
import { packagesText } from '../text/packages.ts';
import { text } from '../text.ts';
import s from './Packages.module.css';

const names = packagesText.columns;

const TONES: Readonly<Record<AgentPackage['state'], Tone>> = {
  running: 'good',
  valid: 'busy',
  waiting: 'warn',
  invalid: 'bad',
  ignored: 'idle',
};

export function StateMark({ state }: { state: AgentPackage['state'] }) {
  return <Mark tone={TONES[state] ?? 'idle'} word={text.packages.states[state] ?? state} />;
}

export function Signer({ signature }: Pick<AgentPackage, 'signature'>) {
  if (!signature) return <span className="muted">{packagesText.unsigned}</span>;
  return signature.publisher === null ? packagesText.unknownKey : visible(signature.publisher);
}

/** Of a package that could not be read. */
function Unknown() {
  return <span className="muted">{packagesText.unknown}</span>;
}

export const columns: readonly Column<AgentPackage>[] = [
  {
    key: 'name',
    header: names.name,
    width: 'minmax(150px, 1.6fr)',
    lead: true,
    cell: (row) => (
      <>
        <Link
          from="/packages"
          search={{ package: row.name }}
          replace
          resetScroll={false}
          className={s.name}
        >
          <Breakable text={row.name} />
        </Link>
        <div className={s.path}>
          <Breakable text={row.path} />
        </div>
      </>
    ),
  },
  {
    key: 'state',
    header: names.state,
    width: '112px',
    lead: true,
    cell: ({ state }) => <StateMark state={state} />,
  },
  {
    key: 'version',
    header: names.version,
    width: '80px',
    cell: ({ version }) => (version ? visible(version) : <Unknown />),
  },
  {
    key: 'digest',
    header: names.digest,
    width: '144px',
    cell: ({ digest }) => (digest ? <Digest digest={digest} /> : <Unknown />),
  },
  {
    key: 'signature',
    header: names.signature,
    width: 'minmax(100px, 1fr)',
    cell: (row) => <Signer signature={row.signature} />,
  },
  {
    key: 'approved',
    header: names.approved,
    width: 'minmax(90px, 0.8fr)',
    cell: ({ approved_by: by }) =>
      by ? <Breakable text={by} /> : <span className="muted">{packagesText.unapproved}</span>,
  },
  {
    key: 'updated',
    header: names.updated,
    width: '104px',
    cell: ({ updated_at }) => <TimeAgo at={updated_at} />,
  },
];
