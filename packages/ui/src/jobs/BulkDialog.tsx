// Asks before something is done to the chosen agents, and begins the job that does it.
import { NativeSelect, TextInput } from '@mantine/core';
import type { Agent, JobAction } from '@opmas/protocol';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { jobsApi } from '../api/jobs.ts';
import { useChange } from '../data/access.ts';
import { keys } from '../data/keys.ts';
import { useServices } from '../data/services.ts';
import { chosen } from '../lib/search.ts';
import { visible } from '../lib/visible.ts';
import { limits } from '../limits.ts';
import { Dialog } from '../parts/Dialog.tsx';
import { Fault } from '../parts/Fault.tsx';
import { Form } from '../parts/Form.tsx';
import { TokenField } from '../parts/TokenField.tsx';
import { jobsText } from '../text/jobs.ts';
import { type BulkFaults, type BulkInput, LEVELS, newBulk, readBulk } from './bulk.ts';
import { PlanFields } from './PlanFields.tsx';

const words = jobsText.bulk;
const WAYS = ['stop', 'pause'] as const;
const NO_FAULTS: BulkFaults = { plan: {} };

export interface BulkQuestion {
  action: JobAction;
  /** As they were when it was asked: what is named is what is done. */
  agents: readonly Agent[];
}

/** Shown while there is a question. */
export function BulkDialog(props: { question: BulkQuestion | undefined; onClose: () => void }) {
  const { question, onClose } = props;
  return (
    <Dialog
      title={question ? words.titles[question.action](question.agents.length) : ''}
      isOpen={question !== undefined}
      onClose={onClose}
      size="lg"
    >
      {question && <Ask {...question} onClose={onClose} />}
    </Dialog>
  );
}

function Ask({ action, agents, onClose }: BulkQuestion & { onClose: () => void }) {
  const api = jobsApi(useServices().api);
  const navigate = useNavigate();
  const [input, setInput] = useState(() => newBulk(action));
  const [faults, setFaults] = useState<BulkFaults>(NO_FAULTS);
  const set = (next: Partial<BulkInput>) => {
    setInput((before) => ({ ...before, ...next }));
    setFaults(NO_FAULTS);
  };
  const start = useChange(api.start, [keys.jobs], (job) => {
    void navigate({ to: '/jobs/$job', params: { job: job.job_id } });
  });
  return (
    <Form
      submit={words.submit}
      isPending={start.isPending}
      error={start.error}
      isDangerous={action === 'stop'}
      onCancel={onClose}
      onSubmit={() => {
        const read = readBulk(
          action,
          agents.map(({ agent_id }) => agent_id),
          input,
        );
        setFaults(read.ok ? NO_FAULTS : read.faults);
        if (read.ok) start.mutate({ body: read.body });
      }}
    >
      <strong>{namesOf(agents)}</strong>
      <span>{words.effects[action]}</span>
      {action === 'log-level' && <LevelFields input={input} faults={faults} onChange={set} />}
      {action === 'tags' && (
        <>
          {faults.tags && <Fault error={new Error(faults.tags)} />}
          <TagFields input={input} agents={agents} onChange={set} />
        </>
      )}
      <TextInput
        label={words.reason}
        value={input.reason}
        maxLength={limits.jobReasonChars}
        onChange={(event) => set({ reason: event.currentTarget.value })}
      />
      <PlanFields
        plan={input.plan}
        faults={faults.plan}
        ways={WAYS}
        onChange={(plan) => set({ plan: { ...input.plan, ...plan } })}
      />
    </Form>
  );
}

function namesOf(agents: readonly Agent[]): string {
  const told = agents.slice(0, limits.namesTold).map(({ name }) => visible(name));
  return words.names(told.join(', '), agents.length - told.length);
}

function LevelFields(props: {
  input: BulkInput;
  faults: BulkFaults;
  onChange: (next: Partial<BulkInput>) => void;
}) {
  const { input, onChange } = props;
  return (
    <>
      <NativeSelect
        label={words.level}
        value={input.level}
        onChange={(event) => {
          const [level] = chosen(event.currentTarget.value, LEVELS);
          if (level) onChange({ level });
        }}
        data={[...LEVELS]}
      />
      <TextInput
        label={words.expires}
        description={words.expiresHelp}
        inputMode="numeric"
        error={props.faults.expires}
        value={input.expires}
        maxLength={5}
        onChange={(event) => onChange({ expires: event.currentTarget.value })}
      />
    </>
  );
}

function TagFields(props: {
  input: BulkInput;
  agents: readonly Agent[];
  onChange: (next: Partial<BulkInput>) => void;
}) {
  const { input, onChange } = props;
  const known = [...new Set(props.agents.flatMap(({ tags }) => tags))].sort();
  return (
    <>
      <TokenField
        label={words.add}
        words={input.add}
        maxChars={limits.tagChars}
        onChange={(add) => onChange({ add })}
      />
      <TokenField
        label={words.remove}
        words={input.remove}
        suggestions={known.map((value) => ({ value }))}
        maxChars={limits.tagChars}
        onChange={(remove) => onChange({ remove })}
      />
    </>
  );
}
