// Brings the secret into the authenticator app and proves that it arrived.
import { TextInput } from '@mantine/core';
import type { TotpSecret } from '../api/resources.ts';
import { field } from '../lib/form.ts';
import { CopyLine } from '../parts/CopyLine.tsx';
import { Form } from '../parts/Form.tsx';
import { accountText } from '../text/account.ts';
import s from './Account.module.css';
import { Qr } from './Qr.tsx';

const words = accountText.totp;

export function Enrol(props: {
  secret: TotpSecret;
  isPending: boolean;
  error: unknown;
  onCode: (code: string) => void;
  onCancel: () => void;
}) {
  const { secret, uri } = props.secret;
  return (
    <div className={s.enrol}>
      <Qr content={uri} label={words.qr} className={s.qr} />
      <div className={s.steps}>
        <p className={s.hint}>{words.scan}</p>
        <div>
          <p className={s.hint}>{words.secret}</p>
          <CopyLine line={secret} />
        </div>
        <Form
          submit={words.confirm}
          isPending={props.isPending}
          error={props.error}
          onCancel={props.onCancel}
          onSubmit={(form) => props.onCode(field(form, 'code').replaceAll(/\s/g, ''))}
        >
          <TextInput
            label={words.code}
            name="code"
            autoComplete="one-time-code"
            inputMode="numeric"
            maxLength={10}
            required
            withAsterisk={false}
            data-autofocus
          />
        </Form>
      </div>
    </div>
  );
}
