// The columns of the lists about configurations.
import { Button } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import type { Delivery, DeliveryState, LayerVersion } from '../api/configs.ts';
import type { Tone } from '../fleet/standing.ts';
import { visible } from '../lib/visible.ts';
import { Breakable } from '../parts/Breakable.tsx';
import type { Column } from '../parts/DataList.tsx';
import { Digest } from '../parts/Digest.tsx';
import { Mark } from '../parts/Status.tsx';
import { TimeAgo } from '../parts/TimeAgo.tsx';
import { configsText } from '../text/configs.ts';
import s from './Configs.module.css';
import type { KeyRow } from './keys.ts';
import { Value } from './Value.tsx';

const TONES: Readonly<Record<DeliveryState, Tone>> = {
  applied: 'good',
  pending: 'busy',
  rejected: 'bad',
  expired: 'warn',
};

export function DeliveryMark({ state }: { state: DeliveryState }) {
  // A state this page does not know, from a newer server, is shown as its own word.
  return <Mark tone={TONES[state] ?? 'idle'} word={configsText.delivery.states[state] ?? state} />;
}

export function Hash({ hash }: { hash: string | null }) {
  if (hash === null) return <span className="muted">{configsText.delivery.unknown}</span>;
  return <Digest digest={hash} />;
}

const ofDelivery = configsText.delivery.columns;

export const deliveryColumns: readonly Column<Delivery>[] = [
  {
    key: 'agent',
    header: ofDelivery.agent,
    width: 'minmax(150px, 1.2fr)',
    lead: true,
    cell: (row) => (
      <Link to="/configs/agents/$agent" params={{ agent: row.agent_id }} className={s.name}>
        <Breakable text={row.name} />
      </Link>
    ),
  },
  {
    key: 'state',
    header: ofDelivery.state,
    width: 'minmax(220px, 3fr)',
    lead: true,
    cell: (row) => (
      <span className={s.state}>
        <DeliveryMark state={row.state} />
        {row.reason !== null && (
          <span className={s.reason}>
            <Breakable text={row.reason} />
          </span>
        )}
      </span>
    ),
  },
  {
    key: 'shall',
    header: ofDelivery.shall,
    width: '144px',
    cell: (row) => <Hash hash={row.desired_hash} />,
  },
  {
    key: 'runs',
    header: ofDelivery.runs,
    width: '144px',
    cell: (row) => <Hash hash={row.running_hash} />,
  },
  {
    key: 'since',
    header: ofDelivery.since,
    width: '104px',
    cell: (row) => <TimeAgo at={row.since} />,
  },
];

export function keyColumns(
  originOf: (label: string) => React.ReactNode,
): readonly Column<KeyRow>[] {
  const names = configsText.keys.columns;
  return [
    {
      key: 'key',
      header: names.key,
      width: 'minmax(180px, 1.4fr)',
      lead: true,
      cell: (row) => (
        <code className={s.path}>
          <Breakable text={row.path} />
        </code>
      ),
    },
    {
      key: 'value',
      header: names.value,
      width: 'minmax(180px, 2fr)',
      lead: true,
      cell: (row) => <Value value={row.value} label={visible(row.path)} />,
    },
    {
      key: 'origin',
      header: names.origin,
      width: 'minmax(180px, 1.4fr)',
      lead: true,
      cell: (row) => originOf(row.origin),
    },
  ];
}

/** Of one layer by itself: where a value is from needs no saying. */
export const ownKeyColumns: readonly Column<KeyRow>[] = keyColumns(() => null).slice(0, 2);

export function historyColumns(options: {
  newest: number | undefined;
  onCompare: (version: number) => void;
  /** Absent: nobody may go back. */
  onBack: ((version: LayerVersion) => void) | undefined;
}): readonly Column<LayerVersion>[] {
  const { newest, onCompare, onBack } = options;
  const words = configsText.history;
  const names = words.columns;
  return [
    {
      key: 'version',
      header: names.version,
      width: '140px',
      lead: true,
      cell: (row) => (
        <span className={s.state}>
          <strong>{configsText.version(row.version)}</strong>
          {row.version === newest && <Mark tone="good" word={words.inForce} />}
        </span>
      ),
    },
    {
      key: 'when',
      header: names.when,
      width: '112px',
      cell: (row) => <TimeAgo at={row.created_at} />,
    },
    {
      key: 'author',
      header: names.author,
      width: 'minmax(90px, 0.8fr)',
      cell: (row) => <Breakable text={row.author} />,
    },
    {
      key: 'reason',
      header: names.reason,
      width: 'minmax(140px, 2fr)',
      cell: (row) =>
        row.reason === null || row.reason === '' ? (
          <span className="muted">{words.noReason}</span>
        ) : (
          visible(row.reason)
        ),
    },
    {
      key: 'act',
      header: names.act,
      width: '200px',
      lead: true,
      cell: (row) => (
        <span className={s.act}>
          <Button
            size="compact-sm"
            variant="default"
            aria-label={words.changesOf(row.version)}
            onClick={() => onCompare(row.version)}
          >
            {words.changes}
          </Button>
          {onBack && row.version !== newest && (
            <Button
              size="compact-sm"
              variant="default"
              aria-label={words.rollbackTo(row.version)}
              onClick={() => onBack(row)}
            >
              {words.rollback}
            </Button>
          )}
        </span>
      ),
    },
  ];
}
