// The columns of the jobs.
import type { Job } from '@opmas/protocol';
import { Link } from '@tanstack/react-router';
import { useNow } from '../lib/clock.ts';
import { absolute, shortTime } from '../lib/time.ts';
import { visible } from '../lib/visible.ts';
import { Breakable } from '../parts/Breakable.tsx';
import type { Column } from '../parts/DataList.tsx';
import { Mark } from '../parts/Status.tsx';
import { jobsText } from '../text/jobs.ts';
import s from './Jobs.module.css';
import { isOpen, progressOf, STATE_TONES, timeLeft, titleOf } from './model.ts';

const names = jobsText.columns;

export function JobStateMark({ state }: Pick<Job, 'state'>) {
  // A state this page does not know, from a newer server, is shown as its own word.
  return (
    <Mark tone={STATE_TONES[state] ?? 'idle'} word={jobsText.states[state] ?? visible(state)} />
  );
}

/** How many agents have an outcome, as a bar and in words. */
export function Progress({ job }: { job: Job }) {
  const { ended, agents } = progressOf(job);
  const words = jobsText.progress(ended, agents);
  return (
    <span className={s.progress}>
      <progress
        className={s.bar}
        value={ended}
        max={Math.max(1, agents)}
        aria-label={names.progress}
      />
      {words}
    </span>
  );
}

/** How long something may still take; nothing once the job has ended. */
export function TimeLeft({ at }: { at: string | null }) {
  const now = useNow();
  if (at === null) return null;
  const left = timeLeft(at, now);
  return (
    <time dateTime={at} title={absolute(at)} className={s.left}>
      {left === undefined ? jobsText.detail.over : jobsText.detail.left(left)}
    </time>
  );
}

export const columns: readonly Column<Job>[] = [
  {
    key: 'state',
    header: names.state,
    width: '120px',
    lead: true,
    cell: ({ state }) => <JobStateMark state={state} />,
  },
  {
    key: 'job',
    header: names.job,
    width: 'minmax(240px, 3fr)',
    lead: true,
    cell: (job) => (
      <>
        <Link to="/jobs/$job" params={{ job: job.job_id }} className={s.name}>
          {titleOf(job)}
        </Link>
        <div className={s.reason}>
          <Breakable text={job.reason} />
          {isOpen(job) && job.deadline !== null && (
            <>
              {' '}
              · <TimeLeft at={job.deadline} />
            </>
          )}
        </div>
      </>
    ),
  },
  {
    key: 'progress',
    header: names.progress,
    width: '176px',
    cell: (job) => <Progress job={job} />,
  },
  {
    key: 'who',
    header: names.who,
    width: 'minmax(90px, 0.7fr)',
    cell: ({ created_by }) => <Breakable text={created_by} />,
  },
  {
    key: 'when',
    header: names.when,
    width: '132px',
    cell: ({ created_at }) => <Moment at={created_at} />,
  },
];

export function Moment({ at }: { at: string }) {
  return (
    <time dateTime={at} title={absolute(at)}>
      {shortTime(at, useNow())}
    </time>
  );
}
