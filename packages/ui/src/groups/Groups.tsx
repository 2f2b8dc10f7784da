// Groups of agents: a selector each, and a layer of configuration for those it chooses.
import { Button, Loader } from '@mantine/core';
import { useRouterState } from '@tanstack/react-router';
import { Boxes, Plus } from 'lucide-react';
import { useState } from 'react';
import { useGroups } from '../data/configs.ts';
import { useMay } from '../data/me.ts';
import { visible } from '../lib/visible.ts';
import { DataList } from '../parts/DataList.tsx';
import { Empty } from '../parts/Empty.tsx';
import { Fault } from '../parts/Fault.tsx';
import { Notice } from '../parts/Notice.tsx';
import { Page } from '../parts/Page.tsx';
import { groupsText } from '../text/groups.ts';
import { text } from '../text.ts';
import { groupColumns } from './columns.tsx';
import { GroupForm } from './GroupForm.tsx';
import s from './Groups.module.css';

export function Groups() {
  const mayWrite = useMay('groups:write');
  /** Of the screen of a group, which is gone with it. */
  const deleted = useRouterState({ select: ({ location }) => location.state.deletedGroup });
  const groups = useGroups();
  const [isAdding, setAdding] = useState(false);
  const [said, setSaid] = useState<string>();
  // In the order of their layers, the highest first: the one that wins stands above.
  const rows = (groups.data?.items ?? []).toReversed();
  return (
    <Page
      title={groupsText.title}
      aside={
        mayWrite && (
          <Button
            size="sm"
            leftSection={<Plus size={16} aria-hidden />}
            onClick={() => {
              setSaid(undefined);
              setAdding(true);
            }}
          >
            {groupsText.add}
          </Button>
        )
      }
    >
      <Notice said={said ?? (deleted ? groupsText.deleted(visible(deleted)) : undefined)} />
      <p className={s.note}>{groupsText.note}</p>
      {groups.error && <Fault error={groups.error} onRetry={() => void groups.refetch()} />}
      {groups.isPending && !groups.error && <Loader aria-label={text.loading} mx="auto" my="xl" />}
      {rows.length > 0 && (
        <DataList
          label={groupsText.table}
          columns={groupColumns}
          rows={rows}
          rowKey={(row) => row.name}
          rowHeight={45}
        />
      )}
      {groups.data && rows.length === 0 && <Empty icon={Boxes} {...groupsText.empty} />}
      <GroupForm
        group={isAdding ? null : undefined}
        onClose={() => setAdding(false)}
        onSaved={(what) => {
          setAdding(false);
          setSaid(what);
        }}
      />
    </Page>
  );
}
