// Sets what holds for a while: the log level by choice, anything else the layer takes as JSON, and for how long.
import { Button, NativeSelect } from '@mantine/core';
import { useMemo, useState } from 'react';
import type { RuntimeLayer } from '../api/configs.ts';
import { ApiError } from '../api/http.ts';
import { useChange } from '../data/access.ts';
import { useConfigs } from '../data/configs.ts';
import { keys } from '../data/keys.ts';
import { field } from '../lib/form.ts';
import { lineOf, writeDocument } from '../lib/json-text.ts';
import { visible } from '../lib/visible.ts';
import { limits } from '../limits.ts';
import { CodeField } from '../parts/CodeField.tsx';
import { Form } from '../parts/Form.tsx';
import { Section } from '../parts/Section.tsx';
import { configsText } from '../text/configs.ts';
import s from './Configs.module.css';
import { type Check, useCheck } from './check.ts';
import type { Draft } from './draft.ts';
import { Reason } from './Publish.tsx';
import { levelOf, withLevel } from './runtime.ts';
import { Verdict } from './Verdict.tsx';

const words = configsText.runtime;
const LEVELS = ['DEBUG', 'INFO', 'WARNING', 'ERROR', 'CRITICAL'];
/** What says nothing is not asked about, and cannot be set: it is cleared instead. */
const NOTHING = /^\s*(?:\{\s*\}\s*)?$/;
const SPANS = ['600', '3600', '28800', '86400', '604800', ''] as const;

export function RuntimeForm(props: {
  agentId: string;
  /** What holds now; it may be another than the draft began with. */
  layer: RuntimeLayer;
  draft: Draft;
  onDone: () => void;
}) {
  const { agentId, layer, draft } = props;
  const configs = useConfigs();
  /** The form begins anew once it was sent. */
  const [turn, setTurn] = useState(0);
  const isEmpty = NOTHING.test(draft.text);
  const check = useCheck({ kind: 'runtime', name: agentId }, draft.text, !isEmpty);
  const { reading, answer } = check;
  const level = reading.ok ? levelOf(reading.value) : '';
  const isStrange = level !== '' && !LEVELS.includes(level);
  const set = useChange(
    (input: { reason: string; seconds?: number }) => {
      if (!reading.ok) throw new Error(reading.message);
      const { version } = draft.base;
      return configs.setRuntime(agentId, { document: reading.value, version, ...input });
    },
    [keys.configs],
    () => {
      draft.discard();
      setTurn((before) => before + 1);
      props.onDone();
    },
  );
  const marked = useMarked(check, set.error);
  const isBehind = draft.isChanged && layer.version > draft.base.version && !set.isPending;
  const change = (text: string) => {
    set.reset();
    draft.setText(text);
  };
  return (
    <Section
      title={layer.version > 0 && Object.keys(layer.config).length > 0 ? words.change : words.set}
    >
      {isBehind && <Moved layer={layer} draft={draft} onChosen={set.reset} />}
      <Form
        key={turn}
        submit={words.submit}
        isPending={set.isPending}
        error={isBehind ? null : set.error}
        canSubmit={reading.ok && !isEmpty && !isBehind && answer?.valid !== false}
        onSubmit={(form) => {
          const seconds = field(form, 'span');
          set.mutate({
            reason: field(form, 'reason').trim(),
            ...(seconds === '' ? {} : { seconds: Number(seconds) }),
          });
        }}
      >
        <div className={s.pair}>
          <NativeSelect
            label={words.level}
            value={level}
            disabled={!reading.ok}
            onChange={(event) =>
              reading.ok &&
              change(writeDocument(withLevel(reading.value, event.currentTarget.value)))
            }
            data={[
              { value: '', label: words.levelAsBelow },
              ...LEVELS.map((value) => ({ value, label: value })),
              // What is typed and is none is shown as it is: the check says what is wrong with it.
              ...(isStrange ? [{ value: level, label: visible(level) }] : []),
            ]}
          />
          <NativeSelect
            label={words.span}
            name="span"
            data={SPANS.map((value) => ({ value, label: words.spans[value] }))}
          />
        </div>
        <CodeField
          label={words.label}
          value={draft.text}
          onChange={change}
          reading={reading}
          marked={marked}
          minLines={6}
          maxChars={limits.editorChars}
          isFixed={set.isPending}
          below={(toLine) => (
            <Verdict check={check} isChanged={!isEmpty} same={words.same} onLine={toLine} />
          )}
        />
        <Reason />
      </Form>
    </Section>
  );
}

/** Lines of what the check found, and of what the server refused. */
function useMarked({ reading, faults }: Check, error: unknown): ReadonlySet<number> {
  return useMemo(() => {
    if (!reading.ok) return new Set();
    const refused = error instanceof ApiError ? error.fields : [];
    const lines = refused.map(({ path }) => lineOf(reading.lines, path));
    return new Set([...faults.map(({ line }) => line), ...lines].flatMap((line) => line ?? []));
  }, [reading, faults, error]);
}

/** Somebody else set another one, or its time was over, while one was typing. */
function Moved(props: { layer: RuntimeLayer; draft: Draft; onChosen: () => void }) {
  const { layer, draft, onChosen } = props;
  return (
    <section className={s.conflict} role="alert">
      <h3 className={s.conflictTitle}>{words.moved(visible(layer.author ?? ''))}</h3>
      <p>{words.movedText}</p>
      <div className={s.buttons}>
        <Button
          size="xs"
          onClick={() => {
            onChosen();
            draft.rebase(layer, draft.text);
          }}
        >
          {words.keepMine}
        </Button>
        <Button
          size="xs"
          variant="default"
          onClick={() => {
            onChosen();
            draft.discard();
          }}
        >
          {words.dropMine}
        </Button>
      </div>
    </section>
  );
}
