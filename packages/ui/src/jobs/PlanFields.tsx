// The fields for waves and gates, folded: what stands there already is a careful way.
import { Checkbox, NativeSelect, TextInput } from '@mantine/core';
import type { OnFailure } from '@opmas/protocol';
import { chosen } from '../lib/search.ts';
import { jobsText } from '../text/jobs.ts';
import s from './Jobs.module.css';
import type { PlanFaults, PlanInput } from './plan.ts';

const words = jobsText.plan;

export function PlanFields(props: {
  plan: PlanInput;
  faults: PlanFaults;
  /** What may be done when a gate closes. */
  ways: readonly OnFailure[];
  isOpen?: boolean;
  onChange: (next: Partial<PlanInput>) => void;
}) {
  const { plan, faults, ways, onChange } = props;
  const field = (
    name: 'waves' | 'maxFailures' | 'errorRate' | 'findings' | 'settle' | 'deadline',
    more: { description?: string; className?: string } = {},
  ) => (
    <TextInput
      label={words[name]}
      error={faults[name]}
      value={plan[name]}
      maxLength={200}
      autoComplete="off"
      inputMode={name === 'waves' ? 'text' : 'decimal'}
      onChange={(event) => onChange({ [name]: event.currentTarget.value })}
      {...more}
    />
  );
  const hasFault = Object.keys(faults).length > 0;
  return (
    <details open={props.isOpen === true || hasFault}>
      <summary className={s.summary}>{words.title}</summary>
      <div className={s.folded}>
        <div className={s.plan}>
          {field('waves', { description: words.wavesHelp, className: s.wide ?? '' })}
          {field('maxFailures')}
          {field('settle')}
          {field('errorRate', { description: words.errorRateHelp })}
          {field('findings', { description: words.errorRateHelp })}
          {field('deadline')}
          <NativeSelect
            label={words.onFailure}
            value={plan.onFailure}
            onChange={(event) => {
              const [next] = chosen(event.currentTarget.value, ways);
              if (next) onChange({ onFailure: next });
            }}
            data={ways.map((value) => ({ value, label: jobsText.onFailure[value] }))}
          />
        </div>
        <Checkbox
          label={words.between}
          checked={plan.between}
          onChange={(event) => onChange({ between: event.currentTarget.checked })}
        />
      </div>
    </details>
  );
}
