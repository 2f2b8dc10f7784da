// Of every rollout: why, and in which waves.
import { TextInput } from '@mantine/core';
import { limits } from '../limits.ts';
import { jobsText } from '../text/jobs.ts';
import { PlanFields } from './PlanFields.tsx';
import type { PlanFaults } from './plan.ts';
import type { RolloutDraft } from './rollout-draft.ts';

const words = jobsText.rollout;
const WAYS = ['rollback', 'pause'] as const;

export function WhyAndHow(props: {
  draft: RolloutDraft;
  faults: PlanFaults;
  onChange: (next: Partial<RolloutDraft>) => void;
}) {
  const { draft, onChange } = props;
  return (
    <>
      <TextInput
        label={words.reason}
        description={words.reasonHelp}
        value={draft.reason}
        maxLength={limits.jobReasonChars}
        onChange={(event) => onChange({ reason: event.currentTarget.value })}
      />
      <PlanFields
        plan={draft.plan}
        faults={props.faults}
        ways={WAYS}
        isOpen
        onChange={(next) => onChange({ plan: { ...draft.plan, ...next } })}
      />
    </>
  );
}
