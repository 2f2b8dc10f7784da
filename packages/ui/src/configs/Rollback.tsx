// Makes an old version the newest again: what that changes, whom it reaches, and why.
import type { Document, Where } from '../api/configs.ts';
import { ApiError } from '../api/http.ts';
import { useChange } from '../data/access.ts';
import { useConfigs, useLookAgain } from '../data/configs.ts';
import { keys } from '../data/keys.ts';
import { field } from '../lib/form.ts';
import { Dialog } from '../parts/Dialog.tsx';
import { Form } from '../parts/Form.tsx';
import { configsText } from '../text/configs.ts';
import { BackChanges } from './BackChanges.tsx';
import s from './Configs.module.css';
import { InWaves } from './InWaves.tsx';
import { Reason } from './Publish.tsx';

const words = configsText.history;

/** An old version, with what it says where that is known already. */
export interface Back {
  version: number;
  config?: Document;
}

interface Props {
  where: Where;
  /** The version in force. */
  head: number;
  onClose: () => void;
  onDone: (said: string) => void;
}

export function Rollback(props: Props & { to: Back | undefined }) {
  const { to, onClose } = props;
  return (
    <Dialog
      title={to ? words.rollbackTo(to.version) : ''}
      isOpen={to !== undefined}
      onClose={onClose}
      size="xl"
    >
      {to && <Ask {...props} to={to} />}
    </Dialog>
  );
}

function Ask({ where, head, to, onClose, onDone }: Props & { to: Back }) {
  const configs = useConfigs();
  const lookAgain = useLookAgain(where);
  const rollback = useChange(
    (reason: string) => configs.rollback(where, { to: to.version, reason, version: head }),
    [keys.configs],
    ({ version }) => onDone(words.rolledBack(to.version, version)),
  );
  return (
    <Form
      submit={words.rollback}
      isPending={rollback.isPending}
      error={rollback.error}
      actions={<InWaves where={where} label={words.inWaves} back={to.version} />}
      onCancel={onClose}
      onSubmit={(form) =>
        rollback.mutate(field(form, 'reason').trim(), {
          // Somebody was faster: what it would change is shown anew, and the next try is for that.
          onError: (error) => error instanceof ApiError && error.status === 412 && lookAgain(),
        })
      }
    >
      <p className={s.note}>{words.rollbackEffect(to.version, head + 1)}</p>
      <BackChanges
        where={where}
        head={head}
        to={to.version}
        {...(to.config ? { config: to.config } : {})}
      />
      <Reason />
    </Form>
  );
}
