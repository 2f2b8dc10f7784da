// What jobs have to do with a draft: the one that rolls it out now, or the one that went back with it.
import { Link } from '@tanstack/react-router';
import { TriangleAlert } from 'lucide-react';
import { useEffect } from 'react';
import type { DraftDetail } from '../../api/drafts.ts';
import { useMe } from '../../data/me.ts';
import { JobStateMark } from '../../jobs/columns.tsx';
import { useJob } from '../../jobs/data.ts';
import { isOpen } from '../../jobs/model.ts';
import { maySomewhere } from '../../lib/grants.ts';
import { Breakable } from '../../parts/Breakable.tsx';
import { Section } from '../../parts/Section.tsx';
import { draftsText } from '../../text/drafts.ts';
import s from '../Configs.module.css';

const words = draftsText.rollout;

/** @param props.onEnded the job has ended: the draft is gone, or back */
export function UnderRollout(props: { jobId: string; onEnded: () => void }) {
  const maySee = maySomewhere(useMe(), 'jobs:read');
  return maySee ? <Followed {...props} /> : <Section title={words.title} note={words.taken} />;
}

function Followed({ jobId, onEnded }: { jobId: string; onEnded: () => void }) {
  const { data: job } = useJob(jobId);
  const hasEnded = job !== undefined && !isOpen(job);
  // Of a draft nothing is told live; of its job it is.
  useEffect(() => {
    if (hasEnded) onEnded();
  }, [hasEnded, onEnded]);
  const holds = hasEnded && job.back_version === null;
  return (
    <Section title={holds ? words.holds : words.title} note={holds ? words.holdsNote : words.taken}>
      <div className={s.state}>
        {job && <JobStateMark state={job.state} />}
        {job && <Breakable text={job.reason} />}
        <ToJob id={jobId} />
      </div>
    </Section>
  );
}

export function WentBack({ returned }: { returned: NonNullable<DraftDetail['returned']> }) {
  return (
    <section className={s.conflict} aria-label={words.wentBack}>
      <h2 className={s.conflictTitle}>
        <TriangleAlert size={17} aria-hidden />
        {words.wentBack}
      </h2>
      <p>
        <Breakable text={returned.reason} />
      </p>
      <p>
        <ToJob id={returned.job_id} />
      </p>
    </section>
  );
}

function ToJob({ id }: { id: string }) {
  const maySee = maySomewhere(useMe(), 'jobs:read');
  if (!maySee) return null;
  return (
    <Link className="link" to="/jobs/$job" params={{ job: id }}>
      {words.job}
    </Link>
  );
}
