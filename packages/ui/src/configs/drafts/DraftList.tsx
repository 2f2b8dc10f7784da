// Drafts of one layer, or of all layers one may see: what each is for, and whether its layer went on.
import { Loader } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { FilePen } from 'lucide-react';
import { useMemo } from 'react';
import type { Where } from '../../api/configs.ts';
import { type StoredDraft, whereOf } from '../../api/drafts.ts';
import { useDrafts } from '../../data/drafts.ts';
import { visible } from '../../lib/visible.ts';
import { Breakable } from '../../parts/Breakable.tsx';
import { type Column, DataList } from '../../parts/DataList.tsx';
import { Empty } from '../../parts/Empty.tsx';
import { Fault } from '../../parts/Fault.tsx';
import { More } from '../../parts/More.tsx';
import { Mark } from '../../parts/Status.tsx';
import { TimeAgo } from '../../parts/TimeAgo.tsx';
import { configsText } from '../../text/configs.ts';
import { draftsText as words } from '../../text/drafts.ts';
import { text } from '../../text.ts';
import s from '../Configs.module.css';
import { useLayerName } from './layer.tsx';

const NONE: readonly StoredDraft[] = [];

/** @param props.where absent: of all layers */
export function DraftList({ where }: { where?: Where }) {
  const list = useDrafts(where);
  const rows = useMemo(() => list.data?.pages.flatMap(({ items }) => items) ?? NONE, [list.data]);
  return (
    <>
      {list.error && <Fault error={list.error} onRetry={() => void list.refetch()} />}
      {list.isPending && !list.error && <Loader aria-label={text.loading} mx="auto" my="xl" />}
      {rows.length > 0 && (
        <DataList
          label={words.table}
          columns={columns}
          rows={rows}
          rowKey={(row) => row.draft_id}
          rowHeight={57}
        />
      )}
      {list.data && rows.length === 0 && where && <p className="muted">{words.none}</p>}
      {list.data && rows.length === 0 && !where && <Empty icon={FilePen} {...words.empty} />}
      <More list={list} label={words.older} kept={words.kept} />
    </>
  );
}

function Name({ draft }: { draft: StoredDraft }) {
  const layer = useLayerName(whereOf(draft));
  const reason = draft.reason ? visible(draft.reason) : words.noReason;
  return (
    <>
      <Link
        to="/configs/drafts/$draft"
        params={{ draft: draft.draft_id }}
        className={s.name}
        aria-label={words.open(layer, reason)}
      >
        <Breakable text={layer} />
      </Link>
      <div className={draft.reason ? s.reason : 'muted'}>{reason}</div>
    </>
  );
}

const names = words.columns;

const columns: readonly Column<StoredDraft>[] = [
  {
    key: 'draft',
    header: names.draft,
    width: 'minmax(220px, 3fr)',
    lead: true,
    cell: (row) => <Name draft={row} />,
  },
  {
    key: 'changes',
    header: names.changes,
    width: '168px',
    cell: (row) => (
      <span className={s.marked}>
        {configsText.version(row.base_version)}
        {row.moved && (
          <span title={words.movedHelp(row.head_version)}>
            <Mark tone="warn" word={words.moved} />
          </span>
        )}
        {row.job_id !== null && <Mark tone="busy" word={words.rollout.mark} />}
        {row.returned !== null && !row.moved && <Mark tone="bad" word={words.rollout.backMark} />}
      </span>
    ),
  },
  {
    key: 'by',
    header: names.by,
    width: 'minmax(90px, 0.8fr)',
    cell: (row) => <Breakable text={row.updated_by} />,
  },
  {
    key: 'when',
    header: names.when,
    width: '112px',
    cell: (row) => <TimeAgo at={row.updated_at} />,
  },
  {
    key: 'ends',
    header: names.ends,
    width: '124px',
    cell: (row) => <TimeAgo at={row.expires_at} />,
  },
];
