// One job: how it stands, its waves with what their gates say, and what became of each agent.

import { Loader } from '@mantine/core';
import type { Job } from '@opmas/protocol';
import { getRouteApi, Link } from '@tanstack/react-router';
import { useState } from 'react';
import { ApiError } from '../api/http.ts';
import { absolute } from '../lib/time.ts';
import { visible } from '../lib/visible.ts';
import { Back } from '../parts/Back.tsx';
import { Breakable } from '../parts/Breakable.tsx';
import { Fact, Facts } from '../parts/Facts.tsx';
import { Fault } from '../parts/Fault.tsx';
import { Notice } from '../parts/Notice.tsx';
import { Page } from '../parts/Page.tsx';
import { Section } from '../parts/Section.tsx';
import { jobsText } from '../text/jobs.ts';
import { text } from '../text.ts';
import { JobStateMark, Progress, TimeLeft } from './columns.tsx';
import { useJob } from './data.ts';
import { JobActions } from './JobActions.tsx';
import { JobAgents } from './JobAgents.tsx';
import s from './Jobs.module.css';
import { isOpen, scopeWord, titleOf } from './model.ts';
import { Waves } from './Waves.tsx';

const words = jobsText.detail;
const route = getRouteApi('/app/jobs/$job');

export function JobScreen() {
  const { job } = route.useParams();
  // Of another job nothing may stay: neither what was said, nor its agents.
  return <Screen key={job} id={job} />;
}

function Screen({ id }: { id: string }) {
  const job = useJob(id);
  const [said, setSaid] = useState<string>();
  const isGone = job.error instanceof ApiError && [400, 404].includes(job.error.status);
  return (
    <Page
      title={job.data ? titleOf(job.data) : jobsText.title}
      aside={<Back to="/jobs" label={words.back} />}
    >
      <Notice said={said} />
      {isGone && <p className="muted">{words.gone}</p>}
      {job.error && !isGone && <Fault error={job.error} onRetry={() => void job.refetch()} />}
      {job.isPending && !job.error && <Loader aria-label={text.loading} mx="auto" my="xl" />}
      {job.data && !isGone && (
        <>
          <Summary job={job.data} onSaid={setSaid} />
          <Waves job={job.data} />
          <JobAgents job={job.data} />
        </>
      )}
    </Page>
  );
}

function Summary({ job, onSaid }: { job: Job; onSaid: (said: string) => void }) {
  return (
    <Section title={jobsText.columns.state} aside={<JobActions job={job} onSaid={onSaid} />}>
      {/* Heard by a screen reader when it changes. */}
      <div role="status" className={s.state}>
        <JobStateMark state={job.state} />
        <span className={s.why}>
          <Breakable text={job.reason} />
        </span>
      </div>
      <div className={s.state}>
        <Progress job={job} />
        {isOpen(job) && <TimeLeft at={job.deadline} />}
      </div>
      <Facts>
        <Fact name={words.purpose}>{job.purpose}</Fact>
        <Fact name={words.scope}>{job.scope && <Layer scope={job.scope} />}</Fact>
        <Fact name={words.draft}>
          {job.draft_id !== null && <Draft job={job} id={job.draft_id} />}
        </Fact>
        <Fact name={words.versions}>{versionsOf(job)}</Fact>
        <Fact name={words.arguments}>
          {job.arguments && Object.keys(job.arguments).length > 0 && (
            <code>{visible(JSON.stringify(job.arguments))}</code>
          )}
        </Fact>
        <Fact name={words.selector}>
          {job.selector !== null && <code>{visible(job.selector)}</code>}
        </Fact>
        <Fact name={words.onFailure}>{jobsText.onFailure[job.on_failure] ?? job.on_failure}</Fact>
        <Fact name={words.between}>{job.pause_between && words.waits}</Fact>
        <Fact name={words.who}>{job.created_by}</Fact>
        <Fact name={words.created}>{absolute(job.created_at)}</Fact>
        <Fact name={words.started}>{job.started_at && absolute(job.started_at)}</Fact>
        <Fact name={words.ended}>{job.ended_at && absolute(job.ended_at)}</Fact>
        <Fact name={words.retryOf}>
          {job.retry_of && (
            <Link className="link" to="/jobs/$job" params={{ job: job.retry_of }}>
              {words.firstJob}
            </Link>
          )}
        </Fact>
        <Fact name={words.id}>
          <code>{visible(job.job_id)}</code>
        </Fact>
      </Facts>
    </Section>
  );
}

/** Leads to the draft, for as long as there is one: what holds is gone from among the drafts. */
function Draft({ job, id }: { job: Job; id: string }) {
  if (!isOpen(job) && job.back_version === null) return words.draftHolds;
  return (
    <Link className="link" to="/configs/drafts/$draft" params={{ draft: id }}>
      {words.toDraft}
    </Link>
  );
}

/** Leads to the layer, where its versions are. */
function Layer({ scope }: { scope: string }) {
  const group = /^group:(.+)$/.exec(scope)?.[1];
  if (group !== undefined) {
    return (
      <Link className="link" to="/groups/$name" params={{ name: group }}>
        {scopeWord(scope)}
      </Link>
    );
  }
  if (scope !== 'fleet') return scopeWord(scope);
  return (
    <Link className="link" to="/configs/fleet">
      {scopeWord(scope)}
    </Link>
  );
}

function versionsOf({ from_version: from, to_version: to, back_version: back }: Job) {
  if (to === null) return undefined;
  const there = `v${from ?? 0} → v${to}`;
  return back === null ? there : `${there}, ${words.wentBackBy(back)}`;
}
