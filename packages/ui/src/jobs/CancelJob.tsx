// Asks before a job is cancelled; of a rollout also whether what was changed goes back.
import { Checkbox } from '@mantine/core';
import type { Job } from '@opmas/protocol';
import { useState } from 'react';
import { jobsApi } from '../api/jobs.ts';
import { useChange } from '../data/access.ts';
import { keys } from '../data/keys.ts';
import { useServices } from '../data/services.ts';
import { Dialog } from '../parts/Dialog.tsx';
import { Form } from '../parts/Form.tsx';
import { jobsText } from '../text/jobs.ts';
import { titleOf } from './model.ts';

const words = jobsText.moves;

interface Props {
  job: Job;
  onClose: () => void;
  onCancelled: () => void;
}

export function CancelJob(props: Props & { isOpen: boolean }) {
  return (
    <Dialog title={words.cancelTitle} isOpen={props.isOpen} onClose={props.onClose}>
      {props.isOpen && <Ask {...props} />}
    </Dialog>
  );
}

function Ask({ job, onClose, onCancelled }: Props) {
  const api = jobsApi(useServices().api);
  const [goesBack, setGoesBack] = useState(true);
  const cancel = useChange(api.cancel, [keys.jobs], onCancelled);
  const isAction = job.kind === 'action';
  return (
    <Form
      submit={words.cancel}
      isPending={cancel.isPending}
      error={cancel.error}
      isDangerous
      cancel={words.keep}
      onCancel={onClose}
      onSubmit={() => cancel.mutate({ id: job.job_id, rollback: isAction || goesBack })}
    >
      <strong>{titleOf(job)}</strong>
      <span>{isAction ? words.cancelAction : words.cancelRollout}</span>
      {!isAction && (
        <Checkbox
          label={words.cancelBack}
          description={words.cancelStay}
          checked={goesBack}
          onChange={(event) => setGoesBack(event.currentTarget.checked)}
        />
      )}
    </Form>
  );
}
