// Puts a stored draft in force, wave by wave: what it changes, whom it reaches, and why.
import { Loader } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { useCallback } from 'react';
import { type DraftDetail, whereOf } from '../api/drafts.ts';
import { ApiError } from '../api/http.ts';
import { Blast } from '../configs/Blast.tsx';
import { Changes } from '../configs/Changes.tsx';
import { useLayerName } from '../configs/drafts/layer.tsx';
import { UnderRollout } from '../configs/drafts/UnderRollout.tsx';
import { Review } from '../configs/Publish.tsx';
import { useStoredDraft } from '../data/drafts.ts';
import { Fault } from '../parts/Fault.tsx';
import { Form } from '../parts/Form.tsx';
import { configsText } from '../text/configs.ts';
import { draftsText } from '../text/drafts.ts';
import { jobsText } from '../text/jobs.ts';
import { text as common } from '../text.ts';
import s from './Jobs.module.css';
import { useStartDraft } from './start.ts';
import { WhyAndHow } from './WhyAndHow.tsx';

const words = jobsText.rollout;

export function DraftRollout({ id }: { id: string }) {
  const draft = useStoredDraft(id);
  const { refetch } = draft;
  const again = useCallback(() => void refetch(), [refetch]);
  if (draft.data) return <Filled detail={draft.data} onEnded={again} />;
  const isGone = draft.error instanceof ApiError && [400, 404].includes(draft.error.status);
  return (
    <div className={s.form}>
      {isGone && <p className={s.intro}>{draftsText.gone}</p>}
      {draft.error && !isGone && <Fault error={draft.error} onRetry={() => void draft.refetch()} />}
      {draft.isPending && !draft.error && <Loader size="sm" aria-label={common.loading} />}
    </div>
  );
}

/** @param onEnded the job that had the draft has ended */
function Filled({ detail, onEnded }: { detail: DraftDetail; onEnded: () => void }) {
  const layer = useLayerName(whereOf(detail));
  const { draft, change, faults, start, ...job } = useStartDraft(detail);
  // What one starts takes the draft too, and that is no obstacle.
  const isMine = job.isPending || job.isDone;
  if (detail.job_id !== null && !isMine) {
    return <UnderRollout jobId={detail.job_id} onEnded={onEnded} />;
  }
  const why = isMine ? undefined : whyNot(detail);
  return (
    <div className={s.form}>
      <Form
        submit={words.submit}
        isPending={job.isPending}
        error={job.error}
        canSubmit={why === undefined}
        onSubmit={start}
      >
        <p className={s.intro}>
          <Link className="link" to="/configs/drafts/$draft" params={{ draft: detail.draft_id }}>
            {draftsText.titleOf(layer)}
          </Link>
        </p>
        {why !== undefined && <p className={s.intro}>{why}</p>}
        <Review label={draftsText.changes}>
          <Changes diff={detail.diff} label={draftsText.changes} />
        </Review>
        {detail.valid && (
          <Review label={configsText.blast.title}>
            <Blast check={detail} />
          </Review>
        )}
        <WhyAndHow draft={draft} faults={faults} onChange={change} />
      </Form>
    </div>
  );
}

/** Why it cannot be rolled out as it is; undefined when it can. */
function whyNot({ moved, valid, scope }: DraftDetail): string | undefined {
  if (moved) return draftsText.rollout.moved;
  if (!valid) return draftsText.rollout.invalid;
  return scope === 'fleet' || scope === 'group' ? undefined : draftsText.rollout.noWaves;
}
