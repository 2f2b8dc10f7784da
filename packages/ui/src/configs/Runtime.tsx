// What holds for a while, over all other layers: what it is, when it ends, setting, clearing and keeping it.
import { Button, Loader } from '@mantine/core';
import { useMemo, useState } from 'react';
import type { RuntimeLayer } from '../api/configs.ts';
import { useConfigs } from '../data/configs.ts';
import { useNow } from '../lib/clock.ts';
import { absolute, duration } from '../lib/time.ts';
import { Fact, Facts } from '../parts/Facts.tsx';
import { Fault } from '../parts/Fault.tsx';
import { Section } from '../parts/Section.tsx';
import { configsText } from '../text/configs.ts';
import { text } from '../text.ts';
import s from './Configs.module.css';
import { ownKeyColumns } from './columns.tsx';
import type { Draft } from './draft.ts';
import { KeyList } from './KeyList.tsx';
import { keyRows } from './keys.ts';
import { ReasonDialog, type ReasonQuestion } from './ReasonDialog.tsx';
import { RuntimeForm } from './RuntimeForm.tsx';

const words = configsText.runtime;

export function Runtime(props: {
  agentId: string;
  mayWrite: boolean;
  runtime: { data: RuntimeLayer | undefined; error: unknown; refetch: () => unknown };
  /** What is typed, which outlives a look at another view. */
  draft: Draft | undefined;
  onDone: (said: string) => void;
}) {
  const { agentId, mayWrite, runtime, draft, onDone } = props;
  const configs = useConfigs();
  const [question, setQuestion] = useState<ReasonQuestion>();
  const layer = runtime.data;
  const rows = useMemo(() => keyRows(layer?.config ?? {}, {}), [layer]);
  const fault = runtime.error !== null && (
    <Fault error={runtime.error} onRetry={() => void runtime.refetch()} />
  );
  if (!layer && fault) return fault;
  if (!layer) return <Loader aria-label={text.loading} mx="auto" my="xl" />;
  const { version } = layer;
  const clear: ReasonQuestion = {
    title: words.clearTitle,
    effect: words.clearEffect,
    submit: words.clear,
    act: (reason) => configs.clearRuntime(agentId, { reason, version }),
    done: words.cleared,
  };
  const keep: ReasonQuestion = {
    title: words.keepTitle,
    effect: words.keepEffect,
    submit: words.keep,
    act: (reason) => configs.keepRuntime(agentId, reason),
    done: words.kept,
  };
  return (
    <>
      {fault}
      <Section
        title={words.title}
        note={words.note}
        aside={
          mayWrite &&
          rows.length > 0 && (
            <div className={s.buttons}>
              <Button size="xs" variant="default" onClick={() => setQuestion(clear)}>
                {words.clear}
              </Button>
              <Button size="xs" variant="default" onClick={() => setQuestion(keep)}>
                {words.keep}
              </Button>
            </div>
          )
        }
      >
        {rows.length === 0 && <p className={s.note}>{words.none}</p>}
        {rows.length > 0 && (
          <>
            <Facts>
              <Fact name={words.ends}>
                {layer.expires_at === null ? words.endsNever : <Ends at={layer.expires_at} />}
              </Fact>
              <Fact name={configsText.layer.author}>{layer.author}</Fact>
              <Fact name={configsText.layer.reason}>{layer.reason}</Fact>
            </Facts>
            <KeyList rows={rows} columns={ownKeyColumns} />
          </>
        )}
      </Section>
      {mayWrite && draft && (
        <RuntimeForm
          agentId={agentId}
          layer={layer}
          draft={draft}
          onDone={() => onDone(words.done)}
        />
      )}
      <ReasonDialog
        question={question}
        onClose={() => setQuestion(undefined)}
        onDone={(said) => {
          setQuestion(undefined);
          onDone(said);
        }}
      />
    </>
  );
}

/** The time left, and the moment it is over. */
function Ends({ at }: { at: string }) {
  const left = Math.max(0, Math.ceil((Date.parse(at) - useNow()) / 1000));
  return (
    <time dateTime={at} title={absolute(at)}>
      {text.time.ahead(left < 3_600 ? duration(left) : hours(left))}
    </time>
  );
}

function hours(seconds: number): string {
  return seconds < 172_800
    ? `${Math.floor(seconds / 3_600)} h`
    : `${Math.floor(seconds / 86_400)} d`;
}
