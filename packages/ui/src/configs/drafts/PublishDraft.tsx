// Puts a draft in force as the next version of its layer, after a last look.
import type { DraftDetail } from '../../api/drafts.ts';
import { ApiError } from '../../api/http.ts';
import { useChange } from '../../data/access.ts';
import { useDraftsApi } from '../../data/drafts.ts';
import { field } from '../../lib/form.ts';
import { Dialog } from '../../parts/Dialog.tsx';
import { Form } from '../../parts/Form.tsx';
import { configsText } from '../../text/configs.ts';
import { draftsText } from '../../text/drafts.ts';
import { Blast } from '../Blast.tsx';
import { Changes } from '../Changes.tsx';
import s from '../Configs.module.css';
import { Reason, Review } from '../Publish.tsx';

const words = draftsText.publish;

export function PublishDraft(props: {
  isOpen: boolean;
  draft: DraftDetail;
  layer: string;
  onClose: () => void;
  onPublished: (version: number) => void;
  /** The draft or its layer went on: nothing was published. */
  onStale: () => void;
}) {
  const { draft, onClose } = props;
  const drafts = useDraftsApi();
  const publish = useChange(
    async (reason: string) => {
      try {
        return await drafts.publish(draft.draft_id, { version: draft.version, reason });
      } catch (error) {
        if (!(error instanceof ApiError) || error.status !== 412) throw error;
        return undefined;
      }
    },
    [],
    (done) => (done ? props.onPublished(done.version) : props.onStale()),
  );
  return (
    <Dialog title={words.title(props.layer)} isOpen={props.isOpen} onClose={onClose} size="xl">
      <Form
        submit={words.submit}
        isPending={publish.isPending}
        error={publish.error}
        onCancel={onClose}
        onSubmit={(form) => publish.mutate(field(form, 'reason').trim())}
      >
        <h3 className={s.heading}>{draftsText.changes}</h3>
        <Review label={draftsText.changes}>
          <Changes diff={draft.diff} label={draftsText.changes} />
        </Review>
        <h3 className={s.heading}>{configsText.blast.title}</h3>
        <Review label={configsText.blast.title}>
          <Blast check={draft} />
        </Review>
        <p className={s.note}>{configsText.publish.as(draft.head_version + 1)}</p>
        <Reason value={draft.reason} />
      </Form>
    </Dialog>
  );
}
