// Changes a layer: text, judged while it is typed, then what it would do, a reason, and one version more.
import { Button } from '@mantine/core';
import { useId, useMemo, useRef, useState } from 'react';
import type { LayerHead, Published, Where } from '../api/configs.ts';
import { writeDocument } from '../lib/json-text.ts';
import { limits } from '../limits.ts';
import { CodeArea, type CodeAreaHandle } from '../parts/CodeArea.tsx';
import { Notice } from '../parts/Notice.tsx';
import { configsText } from '../text/configs.ts';
import { draftsText } from '../text/drafts.ts';
import { Changes } from './Changes.tsx';
import s from './Configs.module.css';
import { Conflict } from './Conflict.tsx';
import { useCheck } from './check.ts';
import type { Draft } from './draft.ts';
import { KeepDraft } from './drafts/KeepDraft.tsx';
import { Publish } from './Publish.tsx';
import { Verdict } from './Verdict.tsx';

const words = configsText.edit;

export function Editor(props: {
  where: Where;
  name: string;
  draft: Draft;
  /** The layer in force, which may be newer than what the draft began with. */
  head: LayerHead;
  onPublished: (said: string) => void;
  onKept: (said: string) => void;
}) {
  const { where, draft, head } = props;
  const { reading, ...rest } = useCheck(where, draft.text, draft.isChanged);
  const check = { reading, ...rest };
  const [isReviewing, setReviewing] = useState(false);
  const [isKeeping, setKeeping] = useState(false);
  const [said, setSaid] = useState<string>();
  const area = useRef<CodeAreaHandle>(null);
  const hint = useId();
  const marked = useMemo(() => {
    if (!reading.ok) return new Set([reading.line]);
    return new Set(rest.faults.flatMap(({ line }) => line ?? []));
  }, [reading, rest.faults]);
  const { answer } = check;
  const isBehind =
    draft.isChanged && Math.max(head.version, answer?.version ?? 0) > draft.base.version;

  function published({ version, changed }: Published): void {
    setReviewing(false);
    draft.discard();
    props.onPublished(words.published(version, where.kind === 'agent' ? undefined : changed));
  }

  return (
    <div className={s.editor}>
      <Notice said={said} />
      {/* While one's own version is being published the layer moves too, and that is no conflict. */}
      {isBehind && !isReviewing && (
        <Conflict where={where} draft={draft} head={head} reading={reading} onSaid={setSaid} />
      )}
      <p id={hint} className={s.note}>
        {words.hint}
      </p>
      <CodeArea
        ref={area}
        label={words.label}
        value={draft.text}
        onChange={(text) => {
          setSaid(undefined);
          draft.setText(text);
        }}
        marked={marked}
        describedBy={hint}
        maxChars={limits.editorChars}
      />
      <Verdict
        check={check}
        isChanged={draft.isChanged}
        onLine={(line) => area.current?.toLine(line)}
      />
      <div className={s.buttons}>
        <Button
          disabled={!draft.isChanged || !answer?.valid || isBehind}
          onClick={() => setReviewing(true)}
        >
          {words.review}
        </Button>
        <Button
          variant="default"
          disabled={!draft.isChanged || !reading.ok}
          onClick={() => setKeeping(true)}
        >
          {draftsText.keep.open}
        </Button>
        <Button
          variant="default"
          disabled={!reading.ok}
          onClick={() => reading.ok && draft.setText(writeDocument(reading.value))}
        >
          {words.format}
        </Button>
        <Button variant="default" disabled={!draft.isChanged} onClick={draft.discard}>
          {words.discard}
        </Button>
      </div>
      {draft.isChanged && answer?.valid && (
        <>
          <h3 className={s.heading}>{words.changes}</h3>
          <Changes diff={answer.diff} label={words.changes} />
        </>
      )}
      {reading.ok && (
        <KeepDraft
          isOpen={isKeeping}
          where={where}
          name={props.name}
          document={reading.value}
          base={draft.base.version}
          onClose={() => setKeeping(false)}
          onKept={() => {
            setKeeping(false);
            draft.discard();
            props.onKept(draftsText.keep.done);
          }}
        />
      )}
      {answer && reading.ok && (
        <Publish
          isOpen={isReviewing}
          where={where}
          name={props.name}
          document={reading.value}
          text={draft.text}
          base={draft.base}
          check={answer}
          onClose={() => setReviewing(false)}
          onPublished={published}
        />
      )}
    </div>
  );
}
