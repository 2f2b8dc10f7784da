// Asks for one's password before something that a stolen session must not do.
import { PasswordInput } from '@mantine/core';
import { field } from '../lib/form.ts';
import { Form } from '../parts/Form.tsx';
import { accountText } from '../text/account.ts';
import { text } from '../text.ts';

export function WithPassword(props: {
  submit: string;
  isPending: boolean;
  error: unknown;
  onPassword: (password: string) => void;
  onCancel: () => void;
  isDangerous?: boolean;
}) {
  return (
    <Form
      submit={props.submit}
      isPending={props.isPending}
      error={props.error}
      isDangerous={props.isDangerous ?? false}
      onCancel={props.onCancel}
      onSubmit={(form) => props.onPassword(field(form, 'password'))}
    >
      <PasswordInput
        label={accountText.totp.password}
        name="password"
        autoComplete="current-password"
        required
        withAsterisk={false}
        data-autofocus
        visibilityToggleButtonProps={{ 'aria-label': text.login.show, tabIndex: 0 }}
      />
    </Form>
  );
}
