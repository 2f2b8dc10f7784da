// The second step of sign-in: the code of an authenticator app, or a recovery code.
import { Button, TextInput } from '@mantine/core';
import { type FormEvent, useState } from 'react';
import { useRetryAfter } from '../lib/countdown.ts';
import { field } from '../lib/form.ts';
import { duration } from '../lib/time.ts';
import { Fault } from '../parts/Fault.tsx';
import { text } from '../text.ts';
import s from './Card.module.css';

const words = text.login.second;

export function SecondStep(props: {
  error: Error | null;
  isPending: boolean;
  onCode: (totp: string) => void;
  onBack: () => void;
}) {
  const [isRecovery, setRecovery] = useState(false);
  const [isMissing, setMissing] = useState(false);
  const wait = useRetryAfter(props.error);

  function submit(event: FormEvent<HTMLFormElement>): void {
    event.preventDefault();
    // Apps show the code in two groups, and people copy it so.
    const totp = field(new FormData(event.currentTarget), 'totp').replaceAll(/\s/g, '');
    setMissing(totp === '');
    if (totp !== '') props.onCode(totp);
  }

  const error = isMissing ? new Error(words.missing) : props.error;
  return (
    <form className={s.form} onSubmit={submit} noValidate>
      {error && <Fault error={error} />}
      <TextInput
        // Another field, so that what was typed into one does not stay in the other.
        key={isRecovery ? 'recovery' : 'code'}
        label={isRecovery ? words.recovery : words.code}
        description={isRecovery ? words.recoveryHelp : words.codeHelp}
        name="totp"
        autoComplete={isRecovery ? 'off' : 'one-time-code'}
        inputMode={isRecovery ? 'text' : 'numeric'}
        autoCapitalize="none"
        spellCheck={false}
        maxLength={40}
        required
        withAsterisk={false}
        autoFocus
      />
      <Button type="submit" loading={props.isPending} disabled={wait > 0}>
        {wait > 0 ? text.login.wait(duration(wait)) : words.submit}
      </Button>
      <div className={s.row}>
        <Button variant="subtle" size="compact-sm" onClick={() => setRecovery(!isRecovery)}>
          {isRecovery ? words.toCode : words.toRecovery}
        </Button>
        <Button variant="subtle" size="compact-sm" onClick={props.onBack}>
          {words.back}
        </Button>
      </div>
    </form>
  );
}
