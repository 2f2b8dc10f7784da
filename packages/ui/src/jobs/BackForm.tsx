// Goes back to an old version of a layer, in waves: what that changes, whom it reaches, and why.
import { Loader } from '@mantine/core';
import { useMemo } from 'react';
import { BackChanges } from '../configs/BackChanges.tsx';
import { useLayer } from '../data/configs.ts';
import { Fault } from '../parts/Fault.tsx';
import { Form } from '../parts/Form.tsx';
import { jobsText } from '../text/jobs.ts';
import { text as common } from '../text.ts';
import s from './Jobs.module.css';
import { whereOf } from './rollout-draft.ts';
import { useStart } from './start.ts';
import { WhyAndHow } from './WhyAndHow.tsx';

const words = jobsText.rollout;

export function BackForm({ scope, back }: { scope: string; back: number }) {
  const where = useMemo(() => whereOf(scope), [scope]);
  const layer = useLayer(where);
  const { draft, change, faults, start, ...job } = useStart(scope);
  const head = layer.data;
  return (
    <div className={s.form}>
      <Form
        submit={words.backSubmit}
        isPending={job.isPending}
        error={job.error}
        canSubmit={head !== undefined && head.version !== back}
        onSubmit={() => head && start({ kind: 'rollback', version: back }, head.version)}
      >
        {layer.error && <Fault error={layer.error} onRetry={() => void layer.refetch()} />}
        {layer.isPending && !layer.error && <Loader size="sm" aria-label={common.loading} />}
        {head?.version === back && <p className={s.intro}>{words.backSame(back)}</p>}
        {head && head.version !== back && (
          <>
            <p className={s.intro}>{words.backEffect(back, head.version + 1)}</p>
            <BackChanges where={where} head={head.version} to={back} />
          </>
        )}
        <WhyAndHow draft={draft} faults={faults} onChange={change} />
      </Form>
    </div>
  );
}
