// The waves of a job in their order: how each stands, and what its gates say.
import type { Job, JobGateReading, JobWave } from '@opmas/protocol';
import { CircleCheck, OctagonX } from 'lucide-react';
import { visible } from '../lib/visible.ts';
import { Section } from '../parts/Section.tsx';
import { Mark } from '../parts/Status.tsx';
import { jobsText } from '../text/jobs.ts';
import { Moment, TimeLeft } from './columns.tsx';
import s from './Jobs.module.css';
import { isOpen, readingOf, WAVE_TONES } from './model.ts';

const words = jobsText.detail;

export function Waves({ job }: { job: Job }) {
  return (
    <Section title={words.waves} note={words.wavesNote}>
      <ol className={s.waves}>
        {job.waves.map((wave) => (
          <Wave key={wave.wave} wave={wave} isCurrent={isOpen(job) && wave.wave === job.wave} />
        ))}
      </ol>
    </Section>
  );
}

function Wave({ wave, isCurrent }: { wave: JobWave; isCurrent: boolean }) {
  const { state, reason, gates } = wave;
  return (
    <li className={s.wave} aria-current={isCurrent ? 'step' : undefined}>
      <div className={s.waveTop}>
        <strong>{words.wave(wave.wave)}</strong>
        <Mark tone={WAVE_TONES[state] ?? 'idle'} word={words.waveStates[state] ?? visible(state)} />
        <span className="muted">{words.size(wave.agents, visible(wave.size))}</span>
        {(state === 'running' || state === 'watching') && <TimeLeft at={wave.deadline} />}
        {wave.ended_at !== null && (
          <span className="muted">
            <Moment at={wave.ended_at} />
          </span>
        )}
      </div>
      {reason !== null && <p className={s.why}>{visible(reason)}</p>}
      {gates.length > 0 && (
        <ul className={s.gates}>
          {gates.map((gate) => (
            <Gate key={gate.gate} gate={gate} told={reason ?? ''} />
          ))}
        </ul>
      )}
    </li>
  );
}

/** @param told what is said above already */
function Gate({ gate, told }: { gate: JobGateReading; told: string }) {
  const Icon = gate.closed ? OctagonX : CircleCheck;
  return (
    <li data-closed={gate.closed ? '' : undefined}>
      <Icon
        size={14}
        role="img"
        aria-label={gate.closed ? jobsText.gates.closed : jobsText.gates.open}
      />
      <span>
        {jobsText.gates[gate.gate] ?? visible(gate.gate)}: <strong>{readingOf(gate)}</strong>
        {gate.detail !== null && !told.includes(gate.detail) && (
          <span className="muted"> {visible(gate.detail)}</span>
        )}
      </span>
    </li>
  );
}
