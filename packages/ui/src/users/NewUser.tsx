// Adds a user who signs in with a password.
import { TextInput } from '@mantine/core';
import { useState } from 'react';
import { useAccess, useChange } from '../data/access.ts';
import { keys } from '../data/keys.ts';
import { field, refusalOf } from '../lib/form.ts';
import { limits } from '../limits.ts';
import { Dialog } from '../parts/Dialog.tsx';
import { Form } from '../parts/Form.tsx';
import { isLongEnough, NewPassword } from '../parts/NewPassword.tsx';
import { RoleChoice } from '../parts/RoleChoice.tsx';
import { usersText } from '../text/users.ts';

const words = usersText.adding;

export function NewUser(props: {
  isOpen: boolean;
  onClose: () => void;
  onAdded: (username: string) => void;
}) {
  return (
    <Dialog title={words.title} isOpen={props.isOpen} onClose={props.onClose}>
      <Fields onClose={props.onClose} onAdded={props.onAdded} />
    </Dialog>
  );
}

/** Mounted with the dialog, so that each time starts empty. */
function Fields(props: { onClose: () => void; onAdded: (username: string) => void }) {
  const access = useAccess();
  const [password, setPassword] = useState('');
  const [roles, setRoles] = useState<string[]>(['read-only']);
  const add = useChange(access.addUser, [keys.users], (user) => props.onAdded(user.username));
  const isAtField = refusalOf(add.error, 'password', 'OPMAS_PASSWORD_REFUSED') !== undefined;
  return (
    <Form
      submit={words.submit}
      isPending={add.isPending}
      error={isAtField ? null : add.error}
      canSubmit={isLongEnough(password, limits.passwordChars)}
      onCancel={props.onClose}
      onSubmit={(form) => add.mutate({ username: field(form, 'username').trim(), password, roles })}
    >
      <TextInput
        label={words.username}
        description={words.usernameHelp}
        name="username"
        autoComplete="off"
        autoCapitalize="none"
        spellCheck={false}
        maxLength={64}
        required
        withAsterisk={false}
        data-autofocus
      />
      <NewPassword value={password} onChange={setPassword} error={add.error} />
      <RoleChoice label={words.roles} chosen={roles} onChange={setRoles} />
    </Form>
  );
}
