// The configuration of one agent: what it is told and why, its own layer, what holds for a while, and its delivery.
import { getRouteApi, Link } from '@tanstack/react-router';
import { useState } from 'react';
import type { Where } from '../api/configs.ts';
import { useAgent, useEffective, useLayer, useRuntime } from '../data/configs.ts';
import { useMayFor } from '../data/me.ts';
import { standing } from '../fleet/standing.ts';
import { visible } from '../lib/visible.ts';
import { Notice } from '../parts/Notice.tsx';
import { Page } from '../parts/Page.tsx';
import { Status } from '../parts/Status.tsx';
import { Views } from '../parts/Views.tsx';
import { configsText } from '../text/configs.ts';
import { Delivery } from './Delivery.tsx';
import { useDraft } from './draft.ts';
import { InForce } from './InForce.tsx';
import { LayerViews } from './LayerViews.tsx';
import { Leave } from './Leave.tsx';
import { Runtime } from './Runtime.tsx';
import type { ConfigSearch } from './search.ts';

const route = getRouteApi('/app/configs/agents/$agent');
const words = configsText.views;
const SHOWN = ['now', 'edit', 'drafts', 'history', 'runtime', 'delivery'] as const;

export function AgentConfig() {
  const { agent } = route.useParams();
  return <Screen key={agent} agentId={agent} />;
}

function Screen({ agentId }: { agentId: string }) {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const agent = useAgent(agentId);
  const mayWrite = useMayFor('configs:write', agent);
  const where: Where = { kind: 'agent', name: agentId };
  const effective = useEffective(agentId, agent?.config_hash);
  const layer = useLayer(where);
  const draft = useDraft(layer.data);
  const [said, setSaid] = useState<string>();
  const name = visible(agent?.name ?? agentId);
  // An address may name what is not offered.
  const offered = SHOWN.filter((key) => key !== 'edit' || mayWrite);
  const view = offered.find((key) => key === search.view) ?? 'now';
  const runtime = useRuntime(agentId, view === 'runtime');
  const runtimeDraft = useDraft(runtime.data);
  const go = (next: ConfigSearch) => void navigate({ search: next, resetScroll: false });
  const done = (what: string, next?: ConfigSearch) => {
    setSaid(what);
    if (next) go(next);
    else if (view === 'edit') go({});
  };
  return (
    <Page title={configsText.titleOf(name)} aside={agent && <Status standing={standing(agent)} />}>
      <Views
        label={words.label}
        views={offered.map((key) => ({
          key,
          label: words[key],
        }))}
        current={view}
        link={(key, link) => (
          <Link
            key={key}
            to="/configs/agents/$agent"
            params={{ agent: agentId }}
            search={key === 'now' ? {} : { view: key }}
            activeOptions={{ exact: true }}
            onClick={() => setSaid(undefined)}
            {...link}
          />
        )}
      />
      <Notice said={said} />
      {view === 'now' && <InForce effective={effective} />}
      {view === 'runtime' && (
        <Runtime
          agentId={agentId}
          mayWrite={mayWrite}
          runtime={runtime}
          draft={runtimeDraft}
          onDone={done}
        />
      )}
      {view === 'delivery' && (
        <Delivery agentId={agentId} head={layer.data} mayWrite={mayWrite} onDone={done} />
      )}
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
      <Leave isChanged={draft?.isChanged === true || runtimeDraft?.isChanged === true} />
    </Page>
  );
}
