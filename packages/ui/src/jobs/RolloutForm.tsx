// Which layer, its new content, why, and in which waves. What is typed stays while other screens are looked at.
import { Button, Loader, NativeSelect } from '@mantine/core';
import { useMemo, useState } from 'react';
import type { LayerHead } from '../api/configs.ts';
import { ApiError } from '../api/http.ts';
import { Changes } from '../configs/Changes.tsx';
import { Conflict } from '../configs/Conflict.tsx';
import { useCheck } from '../configs/check.ts';
import { draftOf } from '../configs/draft.ts';
import { Verdict } from '../configs/Verdict.tsx';
import { useGroups, useLayer } from '../data/configs.ts';
import { useMay } from '../data/me.ts';
import { lineOf } from '../lib/json-text.ts';
import { visible } from '../lib/visible.ts';
import { limits } from '../limits.ts';
import { CodeField } from '../parts/CodeField.tsx';
import { Fault } from '../parts/Fault.tsx';
import { Form } from '../parts/Form.tsx';
import { Notice } from '../parts/Notice.tsx';
import { jobsText } from '../text/jobs.ts';
import { text as common } from '../text.ts';
import s from './Jobs.module.css';
import { whereOf } from './rollout-draft.ts';
import { useStart } from './start.ts';
import { WhyAndHow } from './WhyAndHow.tsx';

const words = jobsText.rollout;

export function RolloutForm(props: { scope: string; onScope: (scope: string) => void }) {
  const { scope } = props;
  const where = useMemo(() => whereOf(scope), [scope]);
  const layer = useLayer(where);
  if (layer.data) return <Filled {...props} head={layer.data} />;
  return (
    <div className={s.form}>
      <ScopeSelect scope={scope} onChange={props.onScope} />
      {layer.error && <Fault error={layer.error} onRetry={() => void layer.refetch()} />}
      {!layer.error && <Loader size="sm" aria-label={common.loading} />}
    </div>
  );
}

function Filled(props: { scope: string; onScope: (scope: string) => void; head: LayerHead }) {
  const { scope, head } = props;
  const where = useMemo(() => whereOf(scope), [scope]);
  const { draft: kept, change, faults, start, ...job } = useStart(scope);
  const draft = draftOf(head, kept.begun, (begun) => {
    job.reset();
    change({ begun });
  });
  const check = useCheck(where, draft.text, draft.isChanged);
  const { reading, answer } = check;
  const [said, setSaid] = useState<string>();
  const marked = useMemo(() => {
    if (!reading.ok) return new Set<number>();
    const refused = job.error instanceof ApiError ? job.error.fields : [];
    const lines = refused.map(({ path }) => lineOf(reading.lines, path));
    return new Set([...check.faults.map(({ line }) => line), ...lines].flatMap((n) => n ?? []));
  }, [reading, job.error, check.faults]);
  // What one starts moves the layer too, and that is no conflict.
  const isBehind = draft.isChanged && head.version > draft.base.version && !job.isPending;
  return (
    <div className={s.form}>
      <Notice said={said} />
      {isBehind && (
        <Conflict where={where} draft={draft} head={head} reading={reading} onSaid={setSaid} />
      )}
      <Form
        submit={words.submit}
        isPending={job.isPending}
        error={isBehind ? null : job.error}
        canSubmit={reading.ok && !isBehind}
        onSubmit={() =>
          reading.ok && start({ kind: 'rollout', document: reading.value }, draft.base.version)
        }
      >
        <ScopeSelect scope={scope} onChange={props.onScope} />
        <CodeField
          label={words.document}
          description={words.documentHelp(draft.base.version)}
          value={draft.text}
          onChange={(text) => {
            setSaid(undefined);
            draft.setText(text);
          }}
          reading={reading}
          marked={marked}
          maxChars={limits.jobDocumentChars}
          isFixed={job.isPending}
          below={(toLine) => <Verdict check={check} isChanged={draft.isChanged} onLine={toLine} />}
        />
        {draft.isChanged && (
          <div className={s.buttons}>
            <Button variant="default" size="xs" onClick={draft.discard}>
              {words.fresh}
            </Button>
          </div>
        )}
        {draft.isChanged && answer?.valid && <Changes diff={answer.diff} label={words.changes} />}
        <WhyAndHow draft={kept} faults={faults} onChange={change} />
      </Form>
    </div>
  );
}

function ScopeSelect({ scope, onChange }: { scope: string; onChange: (scope: string) => void }) {
  const groups = useGroups(useMay('groups:read'));
  const known = (groups.data?.items ?? []).map(({ name }) => `group:${name}`);
  const all = ['fleet', ...known];
  // One that is gone, or cannot be seen, stays chosen: the server says what is wrong with it.
  const shown = all.includes(scope) ? all : [...all, scope];
  return (
    <NativeSelect
      label={words.scope}
      value={scope}
      onChange={(event) => onChange(event.currentTarget.value)}
      data={shown.map((value) => ({
        value,
        label: value === 'fleet' ? words.fleet : words.group(visible(value.slice('group:'.length))),
      }))}
    />
  );
}
