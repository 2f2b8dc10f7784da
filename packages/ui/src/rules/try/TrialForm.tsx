// What to try, on which events, and against whom.
import { Button, Checkbox, NativeSelect, Textarea, TextInput } from '@mantine/core';
import { useId } from 'react';
import type { JsonReading } from '../../lib/json-text.ts';
import { chosen } from '../../lib/search.ts';
import { limits } from '../../limits.ts';
import { AgentSelect } from '../../parts/AgentSelect.tsx';
import { CodeField } from '../../parts/CodeField.tsx';
import { Form } from '../../parts/Form.tsx';
import { rulesText } from '../../text/rules.ts';
import { DOMAINS, SOURCES, type TrialFaults, type TrialInput } from './input.ts';
import s from './Try.module.css';

const words = rulesText.trial;

export function TrialForm(props: {
  input: TrialInput;
  /** Of the rules; undefined while there are none. */
  reading: JsonReading<object> | undefined;
  /** Lines of the rules with a fault. */
  marked: ReadonlySet<number>;
  faults: TrialFaults;
  error: unknown;
  isPending: boolean;
  isTaking: boolean;
  onTake: () => void;
  onChange: (next: Partial<TrialInput>) => void;
  onSubmit: () => void;
}) {
  const { input, faults, onChange } = props;
  return (
    <div className={s.form}>
      <Form
        submit={words.submit}
        isPending={props.isPending}
        error={props.error}
        onSubmit={props.onSubmit}
      >
        <AgentSelect
          label={words.compare}
          none={words.nobody}
          agent={input.agent}
          onChange={(agent) => onChange({ agent })}
        />
        {input.agent && (
          <>
            <Checkbox
              label={words.among}
              description={words.amongHelp}
              checked={input.among}
              onChange={(event) => onChange({ among: event.currentTarget.checked })}
            />
            <Button
              variant="default"
              size="xs"
              className={s.take ?? ''}
              loading={props.isTaking}
              onClick={props.onTake}
            >
              {words.load}
            </Button>
          </>
        )}
        <CodeField
          label={words.rules}
          description={words.rulesHelp}
          error={props.reading?.ok === false ? undefined : faults.rules}
          value={input.rules}
          onChange={(rules) => onChange({ rules })}
          reading={props.reading}
          marked={props.marked}
          maxChars={limits.trialChars}
        />
        <NativeSelect
          label={words.source}
          value={input.source}
          onChange={(event) => {
            const [source] = chosen(event.currentTarget.value, SOURCES);
            if (source) onChange({ source });
          }}
          data={SOURCES.map((value) => ({ value, label: words.sources[value] }))}
        />
        {input.source === 'lines' ? (
          <Textarea
            label={words.lines}
            description={words.linesHelp}
            error={faults.lines}
            value={input.lines}
            onChange={(event) => onChange({ lines: event.currentTarget.value })}
            rows={6}
            maxLength={limits.trialChars}
            classNames={{ input: s.code ?? '' }}
            spellCheck={false}
            autoCapitalize="none"
            autoComplete="off"
          />
        ) : (
          <Recorded input={input} faults={faults} onChange={onChange} />
        )}
      </Form>
    </div>
  );
}

function Recorded(props: {
  input: TrialInput;
  faults: TrialFaults;
  onChange: (next: Partial<TrialInput>) => void;
}) {
  const { input, faults, onChange } = props;
  const domains = useId();
  const moment = (name: 'from' | 'to', description?: string) => (
    <TextInput
      type="datetime-local"
      label={words[name]}
      description={description}
      error={faults[name]}
      value={input[name]}
      onChange={(event) => onChange({ [name]: event.currentTarget.value })}
    />
  );
  return (
    <>
      <TextInput
        label={words.domain}
        description={words.domainHelp}
        error={faults.domain}
        value={input.domain}
        list={domains}
        maxLength={64}
        autoComplete="off"
        autoCapitalize="none"
        spellCheck={false}
        onChange={(event) => onChange({ domain: event.currentTarget.value })}
      />
      <datalist id={domains}>
        {DOMAINS.map((domain) => (
          <option key={domain} value={domain} />
        ))}
      </datalist>
      {input.source === 'newest' ? (
        <TextInput
          label={words.last}
          inputMode="numeric"
          error={faults.last}
          value={input.last}
          maxLength={6}
          onChange={(event) => onChange({ last: event.currentTarget.value })}
        />
      ) : (
        <>
          {moment('from')}
          {moment('to', words.toHelp)}
        </>
      )}
    </>
  );
}
