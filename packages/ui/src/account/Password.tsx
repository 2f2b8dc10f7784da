// Changing one's password.
import { PasswordInput, VisuallyHidden } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { accountApi } from '../api/account.ts';
import type { Me } from '../api/resources.ts';
import { keys } from '../data/keys.ts';
import { useServices } from '../data/services.ts';
import { field, refusalOf } from '../lib/form.ts';
import { limits } from '../limits.ts';
import { Form } from '../parts/Form.tsx';
import { isLongEnough, NewPassword } from '../parts/NewPassword.tsx';
import { Notice } from '../parts/Notice.tsx';
import { Section } from '../parts/Section.tsx';
import { accountText } from '../text/account.ts';
import { text } from '../text.ts';
import s from './Account.module.css';

const words = accountText.password;

export function Password({ me }: { me: Me }) {
  const { api } = useServices();
  const queries = useQueryClient();
  const [fresh, setFresh] = useState('');
  /** A new key empties the form. */
  const [tries, setTries] = useState(0);
  const min = me.totp_enabled ? limits.passwordCharsWithTotp : limits.passwordChars;
  const change = useMutation({
    mutationFn: accountApi(api).changePassword,
    onSuccess: () => {
      setFresh('');
      setTries(tries + 1);
      return queries.invalidateQueries({ queryKey: keys.mySessions });
    },
  });
  if (!me.password) return <Section title={words.title} note={words.elsewhere} />;

  const isAtField = refusalOf(change.error, 'new_password', 'OPMAS_PASSWORD_REFUSED');
  return (
    <Section title={words.title} note={words.note}>
      <div className={s.fields}>
        <Form
          key={tries}
          submit={words.submit}
          isPending={change.isPending}
          error={isAtField === undefined ? change.error : null}
          canSubmit={isLongEnough(fresh, min)}
          onSubmit={(form) =>
            change.mutate({
              current_password: field(form, 'current_password'),
              new_password: fresh,
            })
          }
        >
          {/* Tells a password manager whose password this is. */}
          <VisuallyHidden>
            <input
              type="text"
              name="username"
              autoComplete="username"
              value={me.username}
              readOnly
              tabIndex={-1}
              aria-hidden
            />
          </VisuallyHidden>
          <PasswordInput
            label={words.current}
            name="current_password"
            autoComplete="current-password"
            required
            withAsterisk={false}
            visibilityToggleButtonProps={{ 'aria-label': text.login.show, tabIndex: 0 }}
          />
          <NewPassword
            label={words.fresh}
            name="new_password"
            value={fresh}
            onChange={setFresh}
            error={change.error}
            min={min}
          />
        </Form>
      </div>
      <Notice said={change.isSuccess ? words.changed : undefined} />
    </Section>
  );
}
