// The last look before a version is published: what changes, whom it reaches, and why.
import { TextInput } from '@mantine/core';
import type { ReactNode } from 'react';
import type { Document, LayerHead, Published, Validation, Where } from '../api/configs.ts';
import { ApiError } from '../api/http.ts';
import { useChange } from '../data/access.ts';
import { useConfigs } from '../data/configs.ts';
import { keys } from '../data/keys.ts';
import { field } from '../lib/form.ts';
import { limits } from '../limits.ts';
import { Dialog } from '../parts/Dialog.tsx';
import { Form } from '../parts/Form.tsx';
import { configsText } from '../text/configs.ts';
import { Blast } from './Blast.tsx';
import { Changes } from './Changes.tsx';
import s from './Configs.module.css';
import { InWaves } from './InWaves.tsx';

const words = configsText.publish;

export function Publish(props: {
  isOpen: boolean;
  where: Where;
  name: string;
  document: Document;
  /** The same, as it was typed. */
  text: string;
  base: LayerHead;
  check: Validation;
  onClose: () => void;
  onPublished: (published: Published) => void;
}) {
  const { where, document, base, check, onClose } = props;
  const configs = useConfigs();
  const publish = useChange(
    async (reason: string) => {
      try {
        return await configs.publish(where, { document, reason, version: base.version });
      } catch (error) {
        if (!(error instanceof ApiError) || error.status !== 412) throw error;
        // Somebody was faster: the layer is asked for anew, and the editor tells what they did.
        return undefined;
      }
    },
    [keys.configs],
    (done) => (done ? props.onPublished(done) : onClose()),
  );
  return (
    <Dialog title={words.title(props.name)} isOpen={props.isOpen} onClose={onClose} size="xl">
      <Form
        submit={words.submit}
        isPending={publish.isPending}
        error={publish.error}
        actions={<InWaves where={where} label={words.inWaves} begun={{ text: props.text, base }} />}
        onCancel={onClose}
        onSubmit={(form) => publish.mutate(field(form, 'reason').trim())}
      >
        <h3 className={s.heading}>{configsText.edit.changes}</h3>
        <Review label={configsText.edit.changes}>
          <Changes diff={check.diff} label={configsText.edit.changes} />
        </Review>
        <h3 className={s.heading}>{configsText.blast.title}</h3>
        <Review label={configsText.blast.title}>
          <Blast check={check} />
        </Review>
        <p className={s.note}>{words.as(base.version + 1)}</p>
        <Reason />
      </Form>
    </Dialog>
  );
}

/** A part of the last look that scrolls by itself, so that the reason stays within reach. */
export function Review({ label, children }: { label: string; children: ReactNode }) {
  return (
    // Focusable, because it scrolls.
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex
    <section className={s.review} tabIndex={0} aria-label={label}>
      {children}
    </section>
  );
}

/** Why: a field named `reason`, which must hold something. */
export function Reason({ value }: { value?: string | null }) {
  return (
    <TextInput
      label={words.reason}
      description={words.reasonHelp}
      name="reason"
      defaultValue={value ?? ''}
      maxLength={limits.reasonChars}
      autoComplete="off"
      pattern=".*\S.*"
      required
      withAsterisk={false}
      data-autofocus
    />
  );
}
