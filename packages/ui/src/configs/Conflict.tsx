// Somebody published while one was typing: what they changed, and three ways to go on. The text is never lost.
import { Button } from '@mantine/core';
import { TriangleAlert } from 'lucide-react';
import { useEffect } from 'react';
import type { LayerHead, Where } from '../api/configs.ts';
import { useDiff, useLookAgain } from '../data/configs.ts';
import { type JsonReading, writeDocument } from '../lib/json-text.ts';
import { visible } from '../lib/visible.ts';
import { Fault } from '../parts/Fault.tsx';
import { TimeAgo } from '../parts/TimeAgo.tsx';
import { configsText } from '../text/configs.ts';
import { Changes } from './Changes.tsx';
import s from './Configs.module.css';
import type { Draft } from './draft.ts';
import { mergeChanges } from './three-way.ts';

const words = configsText.conflict;

export function Conflict(props: {
  where: Where;
  draft: Draft;
  head: LayerHead;
  reading: JsonReading;
  onSaid: (said: string) => void;
}) {
  const { where, draft, head, reading } = props;
  const { base } = draft;
  const isKnown = head.version > base.version;
  const lookAgain = useLookAgain(where);
  // The server's judgement told of a version that this page has not seen yet.
  // biome-ignore lint/correctness/useExhaustiveDependencies: once when it shows, not whenever the function is made anew
  useEffect(() => {
    if (!isKnown) lookAgain();
  }, [isKnown]);
  const diff = useDiff(where, base.version, head.version);
  if (!isKnown) return null;

  function merge(): void {
    if (!reading.ok) return;
    const { document, conflicts } = mergeChanges(base.config, reading.value, head.config);
    draft.rebase(head, writeDocument(document));
    props.onSaid(conflicts.length > 0 ? words.both(visible(conflicts.join(', '))) : words.merged);
  }

  return (
    <section className={s.conflict} role="alert" aria-label={words.title(head.version)}>
      <h3 className={s.conflictTitle}>
        <TriangleAlert size={17} aria-hidden />
        {words.title(head.version)}
      </h3>
      <p>
        {head.author !== null && `${words.by(visible(head.author))}, `}
        {head.created_at !== null && <TimeAgo at={head.created_at} />}
        {head.reason !== null && `: ${visible(head.reason)}`}
      </p>
      <p>{words.text}</p>
      {diff.error && <Fault error={diff.error} onRetry={() => void diff.refetch()} />}
      {diff.data && <Changes diff={diff.data} label={words.title(head.version)} />}
      <div className={s.buttons}>
        <Button size="xs" disabled={!reading.ok} title={words.mergeHelp} onClick={merge}>
          {words.merge}
        </Button>
        <Button
          size="xs"
          variant="default"
          title={words.keepHelp}
          onClick={() => draft.rebase(head, draft.text)}
        >
          {words.keep}
        </Button>
        <Button size="xs" variant="default" onClick={draft.discard}>
          {words.drop}
        </Button>
      </div>
    </section>
  );
}
