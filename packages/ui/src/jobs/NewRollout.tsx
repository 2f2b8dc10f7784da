// A new version of a layer for many agents, wave by wave; or one of its old versions.
import { getRouteApi } from '@tanstack/react-router';
import { useMe } from '../data/me.ts';
import { Back } from '../parts/Back.tsx';
import { Page } from '../parts/Page.tsx';
import { jobsText } from '../text/jobs.ts';
import { BackForm } from './BackForm.tsx';
import { DraftRollout } from './DraftRollout.tsx';
import s from './Jobs.module.css';
import { mayRollOut, scopeWord } from './model.ts';
import { RolloutForm } from './RolloutForm.tsx';

const words = jobsText.rollout;
const route = getRouteApi('/app/jobs/new');

export function NewRollout() {
  const { scope = 'fleet', back, draft } = route.useSearch();
  const navigate = route.useNavigate();
  const isAllowed = mayRollOut(useMe());
  return (
    <Page
      title={back === undefined ? words.title : words.backTitle(scopeWord(scope), Number(back))}
      aside={<Back to="/jobs" label={jobsText.detail.back} />}
    >
      <p className={s.intro}>{isAllowed ? words.intro : words.forbidden}</p>
      {isAllowed && draft !== undefined && <DraftRollout key={draft} id={draft} />}
      {isAllowed && draft === undefined && back === undefined && (
        <RolloutForm
          key={scope}
          scope={scope}
          onScope={(next) => void navigate({ search: { scope: next }, replace: true })}
        />
      )}
      {isAllowed && back !== undefined && (
        <BackForm key={`${scope} ${back}`} scope={scope} back={Number(back)} />
      )}
    </Page>
  );
}
