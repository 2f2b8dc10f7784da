// How a job goes about it, as it is typed: waves, gates, deadlines; and what of it is wrong.
import type { OnFailure } from '@opmas/protocol';
import type { JobBody } from '../api/jobs.ts';
import { limits } from '../limits.ts';
import { jobsText } from '../text/jobs.ts';

export interface PlanInput {
  waves: string;
  maxFailures: string;
  /** Percentages; empty: not asked. */
  errorRate: string;
  findings: string;
  settle: string;
  deadline: string;
  onFailure: OnFailure;
  between: boolean;
}

export type PlanFaults = Partial<Record<keyof PlanInput, string>>;

/** As the server does without being told. */
export function newPlan(onFailure: OnFailure, settle: number): PlanInput {
  return {
    waves: '1, 10%, 100%',
    maxFailures: '0',
    errorRate: '',
    findings: '',
    settle: String(settle),
    deadline: '300',
    onFailure,
    between: false,
  };
}

type Plan = Pick<JobBody, 'waves' | 'gates' | 'on_failure' | 'deadline_seconds' | 'pause_between'>;

const faultWords = jobsText.plan.faults;
const WAVE = /^([1-9]\d{0,4}|(100|[1-9]?\d(\.\d{1,2})?)%)$/;
const MOST_PERCENT = { errorRate: 100, findings: 100_000_000 };

export function readPlan(
  input: PlanInput,
): { ok: true; plan: Plan } | { ok: false; faults: PlanFaults } {
  const faults: PlanFaults = {};
  const whole = (name: 'maxFailures' | 'settle' | 'deadline', min: number, max: number): number => {
    const text = input[name].trim();
    const value = /^\d{1,6}$/.test(text) ? Number(text) : Number.NaN;
    if (value >= min && value <= max) return value;
    faults[name] = faultWords.whole(min, max);
    return 0;
  };
  const share = (name: 'errorRate' | 'findings'): number | undefined => {
    const text = input[name].trim();
    if (text === '') return undefined;
    const value = /^\d{1,9}(\.\d{1,4})?$/.test(text) ? Number(text) : Number.NaN;
    if (value <= MOST_PERCENT[name]) return value / 100;
    faults[name] = faultWords.percent(MOST_PERCENT[name]);
    return undefined;
  };
  const waves = input.waves.split(/[\s,]+/).filter((size) => size !== '');
  const areWaves = waves.every((size) => WAVE.test(size) && Number.parseFloat(size) > 0);
  if (waves.length === 0 || waves.length > limits.jobWaves || !areWaves) {
    faults.waves = faultWords.waves;
  }
  const errorRate = share('errorRate');
  const findings = share('findings');
  const plan: Plan = {
    waves,
    gates: {
      max_failures: whole('maxFailures', 0, limits.jobAgents),
      settle_seconds: whole('settle', 0, limits.jobSeconds),
      ...(errorRate === undefined ? {} : { max_error_rate: errorRate }),
      ...(findings === undefined ? {} : { max_findings_change: findings }),
    },
    deadline_seconds: whole('deadline', limits.jobDeadlineSecondsMin, limits.jobSeconds),
    on_failure: input.onFailure,
    pause_between: input.between,
  };
  return Object.keys(faults).length > 0 ? { ok: false, faults } : { ok: true, plan };
}
