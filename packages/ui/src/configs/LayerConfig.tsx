// The layer of the fleet, or of an environment: what it says, changing it, its history.
import { getRouteApi, Link } from '@tanstack/react-router';
import { useState } from 'react';
import { ENVIRONMENTS, type Where } from '../api/configs.ts';
import { useLayer } from '../data/configs.ts';
import { useMay } from '../data/me.ts';
import { Notice } from '../parts/Notice.tsx';
import { Page } from '../parts/Page.tsx';
import { Views } from '../parts/Views.tsx';
import { configsText } from '../text/configs.ts';
import { Areas } from './Areas.tsx';
import s from './Configs.module.css';
import { useDraft } from './draft.ts';
import { LayerNow } from './LayerNow.tsx';
import { LayerViews } from './LayerViews.tsx';
import { Leave } from './Leave.tsx';
import type { ConfigSearch } from './search.ts';

const fleetRoute = getRouteApi('/app/configs/fleet');
const environmentRoute = getRouteApi('/app/configs/environments/$environment');
const words = configsText.views;

export function FleetConfig() {
  const search = fleetRoute.useSearch();
  const navigate = fleetRoute.useNavigate();
  return (
    <Layer
      where={{ kind: 'fleet' }}
      title={configsText.titles.fleet}
      search={search}
      onSearch={(next) => void navigate({ search: next, resetScroll: false })}
    />
  );
}

export function EnvironmentConfig() {
  const { environment } = environmentRoute.useParams();
  const search = environmentRoute.useSearch();
  const navigate = environmentRoute.useNavigate();
  const known = ENVIRONMENTS.find((name) => name === environment);
  if (!known) {
    return (
      <Page title={configsText.title}>
        <Areas current="environments" />
        <p className="muted">{configsText.badPlace}</p>
      </Page>
    );
  }
  return (
    <Layer
      key={known}
      where={{ kind: 'environment', name: known }}
      title={configsText.titles.environment(known)}
      search={search}
      onSearch={(next) => void navigate({ search: next, resetScroll: false })}
    />
  );
}

function Layer(props: {
  where: Exclude<Where, { kind: 'agent' | 'group' }>;
  title: string;
  search: ConfigSearch;
  onSearch: (search: ConfigSearch) => void;
}) {
  const { where, title, search, onSearch } = props;
  const mayWrite = useMay('configs:write');
  const layer = useLayer(where);
  const draft = useDraft(layer.data);
  const [said, setSaid] = useState<string>();
  // An address may name what is not offered.
  const offered = (['layer', 'edit', 'drafts', 'history'] as const).filter(
    (key) => key !== 'edit' || mayWrite,
  );
  const view = offered.find((key) => key === search.view) ?? 'layer';
  const done = (what: string, next: ConfigSearch = { view: 'history' }) => {
    setSaid(what);
    onSearch(next);
  };
  return (
    <Page title={title}>
      <Areas current={where.kind === 'fleet' ? 'fleet' : 'environments'} />
      {where.kind === 'environment' && (
        <div className={s.environments}>
          <p className={s.note}>{configsText.areas.environmentNote}</p>
          <Views
            label={configsText.areas.environmentLabel}
            views={ENVIRONMENTS.map((key) => ({ key, label: key }))}
            current={where.name as (typeof ENVIRONMENTS)[number]}
            link={(key, link) => (
              <Link
                key={key}
                to="/configs/environments/$environment"
                params={{ environment: key }}
                {...link}
              />
            )}
          />
        </div>
      )}
      <Views
        label={words.label}
        views={offered.map((key) => ({ key, label: words[key] }))}
        current={view}
        link={(key, link) => (
          <Link
            key={key}
            to="."
            search={key === 'layer' ? {} : { view: key }}
            activeOptions={{ exact: true }}
            onClick={() => setSaid(undefined)}
            {...link}
          />
        )}
      />
      <Notice said={said} />
      {view === 'layer' && <LayerNow layer={layer} />}
      <LayerViews
        where={where}
        name={title}
        search={search}
        mayWrite={mayWrite}
        layer={layer}
        draft={draft}
        onSearch={onSearch}
        onDone={done}
      />
      <Leave isChanged={draft?.isChanged ?? false} />
    </Page>
  );
}
