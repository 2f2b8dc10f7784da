// Pause, resume, cancel and retry: offered by the state of the job to whoever may, and asked about first.
import { Button } from '@mantine/core';
import type { Job } from '@opmas/protocol';
import { useNavigate } from '@tanstack/react-router';
import { CirclePause, CirclePlay, CircleX, RotateCcw } from 'lucide-react';
import { useState } from 'react';
import { jobsApi } from '../api/jobs.ts';
import { useChange } from '../data/access.ts';
import { keys } from '../data/keys.ts';
import { useMe } from '../data/me.ts';
import { useServices } from '../data/services.ts';
import { Confirm, type Question } from '../parts/Confirm.tsx';
import { jobsText } from '../text/jobs.ts';
import { CancelJob } from './CancelJob.tsx';
import s from './Jobs.module.css';
import { type Move, mayChange, movesOf } from './model.ts';

const words = jobsText.moves;
const ICONS = { pause: CirclePause, resume: CirclePlay, cancel: CircleX, retry: RotateCcw };

export function JobActions({ job, onSaid }: { job: Job; onSaid: (said: string) => void }) {
  const api = jobsApi(useServices().api);
  const me = useMe();
  const navigate = useNavigate();
  const [question, setQuestion] = useState<Question>();
  const [isCancelling, setCancelling] = useState(false);
  const pause = useChange(api.pause, [keys.jobs], () => onSaid(words.paused));
  const resume = useChange(api.resume, [keys.jobs], () => onSaid(words.resumed));
  const retry = useChange(api.retry, [keys.jobs], (next) => {
    void navigate({ to: '/jobs/$job', params: { job: next.job_id } });
  });
  if (!mayChange(me, job)) return null;

  const ask = (move: Move): void => {
    const id = job.job_id;
    switch (move) {
      case 'cancel':
        return setCancelling(true);
      case 'pause':
        return setQuestion({
          title: words.pauseTitle,
          effect: words.pauseEffect,
          submit: words.pause,
          isMild: true,
          act: () => pause.mutateAsync(id),
        });
      case 'resume':
        return setQuestion({
          title: words.resumeTitle,
          effect: words.resumeEffect,
          submit: words.resume,
          isMild: true,
          act: () => resume.mutateAsync(id),
        });
      case 'retry':
        return setQuestion({
          title: words.retryTitle,
          effect: words.retryEffect(job.counts.failed + job.counts.expired),
          submit: words.retry,
          isMild: true,
          act: () => retry.mutateAsync(id),
        });
    }
  };

  return (
    <div className={s.buttons}>
      {movesOf(job).map((move) => {
        const Icon = ICONS[move];
        return (
          <Button
            key={move}
            variant="default"
            size="sm"
            leftSection={<Icon size={16} aria-hidden />}
            onClick={() => ask(move)}
          >
            {words[move]}
          </Button>
        );
      })}
      <Confirm question={question} onDone={() => setQuestion(undefined)} />
      <CancelJob
        job={job}
        isOpen={isCancelling}
        onClose={() => setCancelling(false)}
        onCancelled={() => {
          setCancelling(false);
          onSaid(words.cancelled);
        }}
      />
    </div>
  );
}
