// Changes what a draft says. It need not be valid: what is wrong with it is shown, and nobody is told of it.
import { Button, TextInput } from '@mantine/core';
import { useMemo, useState } from 'react';
import type { DraftDetail } from '../../api/drafts.ts';
import { ApiError } from '../../api/http.ts';
import { useChange } from '../../data/access.ts';
import { useDraftsApi } from '../../data/drafts.ts';
import { keys } from '../../data/keys.ts';
import { lineOf, readDocument, writeDocument } from '../../lib/json-text.ts';
import { visible } from '../../lib/visible.ts';
import { limits } from '../../limits.ts';
import { CodeField } from '../../parts/CodeField.tsx';
import { Form } from '../../parts/Form.tsx';
import { draftsText } from '../../text/drafts.ts';
import s from '../Configs.module.css';
import { type Draft, draftHead } from '../draft.ts';

const words = draftsText.edit;

export function EditDraft(props: {
  detail: DraftDetail;
  /** What is typed, which outlives a look at another view. */
  draft: Draft;
  /** Somebody else changed it meanwhile. */
  onStale: () => void;
  onSaved: (said: string) => void;
}) {
  const { detail, draft } = props;
  const drafts = useDraftsApi();
  const { text } = draft;
  const [reason, setReason] = useState(detail.reason ?? '');
  const reading = useMemo(() => readDocument(text), [text]);
  const save = useChange(
    () => {
      if (!reading.ok) throw new Error(reading.message);
      const { version } = draft.base;
      return drafts.change(detail.draft_id, { document: reading.value, reason, version });
    },
    [keys.draft(detail.draft_id), keys.draftsLists],
    () => {
      draft.discard();
      props.onSaved(words.saved);
    },
  );
  // What one saves moves the draft too, and that is no conflict.
  const isBehind = draft.isChanged && detail.version > draft.base.version && !save.isPending;
  const isSame = !draft.isChanged && reason.trim() === (detail.reason ?? '');
  const marked = useMemo(() => {
    if (!reading.ok) return new Set<number>();
    const refused = save.error instanceof ApiError ? save.error.fields : [];
    const faults = draft.isChanged ? refused : detail.errors;
    return new Set(faults.flatMap(({ path }) => lineOf(reading.lines, path) ?? []));
  }, [reading, save.error, draft.isChanged, detail.errors]);
  return (
    <>
      {isBehind && (
        <section className={s.conflict} role="alert">
          <h2 className={s.conflictTitle}>{words.theirs(visible(detail.updated_by))}</h2>
          <p>{words.theirsText}</p>
          <div className={s.buttons}>
            <Button
              size="xs"
              onClick={() => {
                save.reset();
                draft.rebase(draftHead(detail), text);
              }}
            >
              {words.keep}
            </Button>
            <Button size="xs" variant="default" onClick={draft.discard}>
              {words.drop}
            </Button>
          </div>
        </section>
      )}
      <Form
        submit={words.save}
        isPending={save.isPending}
        error={isBehind ? null : save.error}
        canSubmit={reading.ok && !isBehind && !isSame}
        onSubmit={() =>
          save.mutate(undefined, {
            onError: (error) =>
              error instanceof ApiError && error.status === 412 && props.onStale(),
          })
        }
      >
        <CodeField
          label={words.label}
          description={words.hint}
          value={text}
          onChange={(next) => {
            save.reset();
            draft.setText(next);
          }}
          reading={reading}
          marked={marked}
          maxChars={limits.editorChars}
          isFixed={save.isPending}
        />
        <TextInput
          label={words.reason}
          value={reason}
          maxLength={limits.reasonChars}
          autoComplete="off"
          onChange={(event) => setReason(event.currentTarget.value)}
        />
        <div className={s.buttons}>
          <Button
            variant="default"
            size="xs"
            disabled={!reading.ok}
            onClick={() => reading.ok && draft.setText(writeDocument(reading.value))}
          >
            {words.format}
          </Button>
          <Button variant="default" size="xs" disabled={!draft.isChanged} onClick={draft.discard}>
            {words.discard}
          </Button>
        </div>
      </Form>
    </>
  );
}
