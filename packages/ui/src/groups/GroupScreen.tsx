// One group: whom it reaches, its layer of configuration, changing it, its history.
import { Button, Loader } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router';
import { useMemo, useState } from 'react';
import type { Where } from '../api/configs.ts';
import type { Group } from '../api/groups.ts';
import { useDraft } from '../configs/draft.ts';
import { LayerNow } from '../configs/LayerNow.tsx';
import { LayerViews } from '../configs/LayerViews.tsx';
import { Leave } from '../configs/Leave.tsx';
import type { ConfigSearch } from '../configs/search.ts';
import { useChange } from '../data/access.ts';
import { useConfigs, useGroup, useLayer } from '../data/configs.ts';
import { keys } from '../data/keys.ts';
import { useMay } from '../data/me.ts';
import { useAgents } from '../data/queries.ts';
import { visible } from '../lib/visible.ts';
import { Confirm, type Question } from '../parts/Confirm.tsx';
import { DataList } from '../parts/DataList.tsx';
import { Fact, Facts } from '../parts/Facts.tsx';
import { Fault } from '../parts/Fault.tsx';
import { Notice } from '../parts/Notice.tsx';
import { Page } from '../parts/Page.tsx';
import { Views } from '../parts/Views.tsx';
import { configsText } from '../text/configs.ts';
import { groupsText } from '../text/groups.ts';
import { text } from '../text.ts';
import { memberColumns } from './columns.tsx';
import { GroupForm } from './GroupForm.tsx';
import s from './Groups.module.css';
import { reachOf } from './reach.ts';

const route = getRouteApi('/app/groups/$name');
const words = configsText.views;

export function GroupScreen() {
  const { name } = route.useParams();
  const group = useGroup(name);
  if (group.data) return <Screen key={name} group={group.data} fault={group.error} />;
  return (
    <Page title={groupsText.titleOf(visible(name))}>
      {group.error && <Fault error={group.error} onRetry={() => void group.refetch()} />}
      {group.isPending && !group.error && <Loader aria-label={text.loading} mx="auto" my="xl" />}
    </Page>
  );
}

/** @param fault why it could not be asked for again: somebody may have deleted it */
function Screen({ group, fault }: { group: Group; fault: unknown }) {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const maySee = useMay('configs:read');
  const mayWrite = useMay('configs:write');
  const where: Where = { kind: 'group', name: group.name };
  const layer = useLayer(where);
  const draft = useDraft(layer.data);
  const [said, setSaid] = useState<string>();
  const name = groupsText.titleOf(visible(group.name));
  const shown = (['members', 'layer', 'edit', 'drafts', 'history'] as const).filter(
    (key) => key === 'members' || (maySee && (key !== 'edit' || mayWrite)),
  );
  const view = shown.find((key) => key === search.view) ?? 'members';
  const go = (next: ConfigSearch) => void navigate({ search: next, resetScroll: false });
  const done = (what: string, next?: ConfigSearch) => {
    setSaid(what);
    if (next) go(next);
    else if (view === 'edit') go({ view: 'history' });
  };
  return (
    <Page title={name} aside={<Manage group={group} onSaved={setSaid} />}>
      {fault !== null && <Fault error={fault} />}
      <Facts>
        <Fact name={groupsText.facts.selector}>
          <code>{visible(group.selector)}</code>
        </Fact>
        <Fact name={groupsText.facts.priority}>{String(group.priority)}</Fact>
        <Fact name={groupsText.facts.agents}>{String(group.agents)}</Fact>
        <Fact name={groupsText.facts.description}>{group.description}</Fact>
      </Facts>
      <Views
        label={words.label}
        views={shown.map((key) => ({ key, label: words[key] }))}
        current={view}
        link={(key, link) => (
          <Link
            key={key}
            to="/groups/$name"
            params={{ name: group.name }}
            search={key === 'members' ? {} : { view: key }}
            activeOptions={{ exact: true }}
            onClick={() => setSaid(undefined)}
            {...link}
          />
        )}
      />
      <Notice said={said} />
      {view === 'members' && <Members group={group} />}
      {view === 'layer' && <LayerNow layer={layer} />}
      {maySee && (
        <LayerViews
          where={where}
          name={name}
          search={search}
          mayWrite={mayWrite}
          layer={layer}
          draft={draft}
          onSearch={go}
          onDone={done}
        />
      )}
      <Leave isChanged={draft?.isChanged ?? false} />
    </Page>
  );
}

function Members({ group }: { group: Group }) {
  const agents = useAgents();
  const reach = useMemo(
    () => reachOf(group.selector, agents.data ?? []),
    [group.selector, agents.data],
  );
  if (!agents.data && agents.error)
    return <Fault error={agents.error} onRetry={() => void agents.refetch()} />;
  if (!agents.data) return <Loader aria-label={text.loading} mx="auto" my="xl" />;
  const rows = reach.ok ? reach.agents : [];
  if (rows.length === 0) return <p className="muted">{groupsText.members.none}</p>;
  return (
    <DataList
      label={groupsText.members.table}
      columns={memberColumns}
      rows={rows}
      rowKey={(agent) => agent.agent_id}
      rowHeight={45}
    />
  );
}

function Manage({ group, onSaved }: { group: Group; onSaved: (said: string) => void }) {
  const mayWrite = useMay('groups:write');
  const configs = useConfigs();
  const navigate = useNavigate();
  const [isEditing, setEditing] = useState(false);
  const [question, setQuestion] = useState<Question>();
  const queries = useQueryClient();
  const remove = useChange(configs.deleteGroup, [], () => void leave());

  async function leave(): Promise<void> {
    // First away from here: the group itself is not to be asked for again.
    await navigate({ to: '/groups', state: { deletedGroup: group.name } });
    queries.removeQueries({ queryKey: keys.group(group.name) });
    await Promise.all(
      [keys.groups, keys.configs].map((queryKey) => queries.invalidateQueries({ queryKey })),
    );
  }

  if (!mayWrite) return null;
  return (
    <div className={s.buttons}>
      <Button size="sm" variant="default" onClick={() => setEditing(true)}>
        {groupsText.edit}
      </Button>
      <Button
        size="sm"
        variant="default"
        className={s.bad ?? ''}
        onClick={() =>
          setQuestion({
            title: groupsText.deleteTitle(visible(group.name)),
            effect: groupsText.deleteEffect(group.agents),
            submit: groupsText.delete,
            ...(group.agents > 0 ? { typed: group.name } : {}),
            act: () => remove.mutateAsync(group.name),
          })
        }
      >
        {groupsText.delete}
      </Button>
      <GroupForm
        group={isEditing ? group : undefined}
        onClose={() => setEditing(false)}
        onSaved={(what) => {
          setEditing(false);
          onSaved(what);
        }}
      />
      <Confirm question={question} onDone={() => setQuestion(undefined)} />
    </div>
  );
}
