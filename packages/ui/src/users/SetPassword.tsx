// Gives a user a new password, for one who forgot it.
import { useState } from 'react';
import type { User } from '../api/resources.ts';
import { useAccess, useChange } from '../data/access.ts';
import { keys } from '../data/keys.ts';
import { refusalOf } from '../lib/form.ts';
import { visible } from '../lib/visible.ts';
import { limits } from '../limits.ts';
import { Dialog } from '../parts/Dialog.tsx';
import { Form } from '../parts/Form.tsx';
import { isLongEnough, NewPassword } from '../parts/NewPassword.tsx';
import { usersText } from '../text/users.ts';

const words = usersText.detail.password;

interface Props {
  user: User;
  onClose: () => void;
  onSet: () => void;
}

export function SetPassword(props: Props & { isOpen: boolean }) {
  return (
    <Dialog
      title={words.title(visible(props.user.username))}
      isOpen={props.isOpen}
      onClose={props.onClose}
    >
      <Fields {...props} />
    </Dialog>
  );
}

/** Mounted with the dialog, so that each time starts empty. */
function Fields({ user, onClose, onSet }: Props) {
  const access = useAccess();
  const [password, setPassword] = useState('');
  const set = useChange(
    (next: string) => access.changeUser(user.user_id, { password: next }),
    [keys.users],
    onSet,
  );
  const min = user.totp_enabled ? limits.passwordCharsWithTotp : limits.passwordChars;
  const isAtField = refusalOf(set.error, 'password', 'OPMAS_PASSWORD_REFUSED') !== undefined;
  return (
    <Form
      submit={words.submit}
      isPending={set.isPending}
      error={isAtField ? null : set.error}
      canSubmit={isLongEnough(password, min)}
      onCancel={onClose}
      onSubmit={() => set.mutate(password)}
    >
      <span>{words.effect}</span>
      <NewPassword value={password} onChange={setPassword} error={set.error} min={min} autoFocus />
    </Form>
  );
}
