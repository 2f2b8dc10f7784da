// Keeps what is typed as a draft, for later or for others to look at.
import { TextInput } from '@mantine/core';
import type { Document, Where } from '../../api/configs.ts';
import { useChange } from '../../data/access.ts';
import { useDraftsApi } from '../../data/drafts.ts';
import { keys } from '../../data/keys.ts';
import { field } from '../../lib/form.ts';
import { limits } from '../../limits.ts';
import { Dialog } from '../../parts/Dialog.tsx';
import { Form } from '../../parts/Form.tsx';
import { draftsText } from '../../text/drafts.ts';

const words = draftsText.keep;

export function KeepDraft(props: {
  isOpen: boolean;
  where: Where;
  name: string;
  document: Document;
  /** The version that the document was made from. */
  base: number;
  onClose: () => void;
  onKept: () => void;
}) {
  const { where, document, base, onClose } = props;
  const drafts = useDraftsApi();
  const keep = useChange(
    (reason: string) => drafts.keep(where, { document, base, reason }),
    [keys.draftsLists],
    props.onKept,
  );
  return (
    <Dialog title={words.title(props.name)} isOpen={props.isOpen} onClose={onClose}>
      <Form
        submit={words.submit}
        isPending={keep.isPending}
        error={keep.error}
        onCancel={onClose}
        onSubmit={(form) => keep.mutate(field(form, 'reason').trim())}
      >
        <span>{words.effect}</span>
        <TextInput
          label={words.reason}
          description={words.reasonHelp}
          name="reason"
          maxLength={limits.reasonChars}
          autoComplete="off"
          data-autofocus
        />
      </Form>
    </Dialog>
  );
}
