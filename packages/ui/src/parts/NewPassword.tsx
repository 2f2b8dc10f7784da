// A field for a password that is being chosen: length first, and the server's reason when it says no.
import { PasswordInput } from '@mantine/core';
import { Check, Circle, Info } from 'lucide-react';
import { useId } from 'react';
import { refusalOf } from '../lib/form.ts';
import { limits } from '../limits.ts';
import { text } from '../text.ts';
import s from './NewPassword.module.css';

const words = text.password;

/** Is it long enough to be sent? Whether it is good is the server's to say. */
export function isLongEnough(password: string, min: number): boolean {
  return countChars(password) >= min;
}

export function NewPassword(props: {
  value: string;
  onChange: (value: string) => void;
  /** What the last try met; its part about the password is shown here. */
  error: unknown;
  min?: number;
  label?: string;
  autoFocus?: boolean;
  /** The name of this field in the request. */
  name?: string;
}) {
  const { value, min = limits.passwordChars, name = 'password' } = props;
  const rules = useId();
  const refusal = refusalOf(props.error, name, 'OPMAS_PASSWORD_REFUSED');
  const isLong = isLongEnough(value, min);
  const Mark = isLong ? Check : Circle;
  return (
    <>
      <PasswordInput
        label={props.label ?? words.label}
        name={name}
        autoComplete="new-password"
        value={value}
        onChange={(event) => props.onChange(event.currentTarget.value)}
        maxLength={limits.passwordCharsMax}
        error={refusal}
        aria-describedby={rules}
        required
        withAsterisk={false}
        autoFocus={props.autoFocus ?? false}
        visibilityToggleButtonProps={{ 'aria-label': text.login.show, tabIndex: 0 }}
      />
      <ul id={rules} className={s.rules} aria-label={words.rules}>
        <li data-met={isLong ? '' : undefined}>
          <Mark size={14} aria-label={isLong ? words.met : words.notMet} />
          {words.length(min, countChars(value))}
        </li>
        <li>
          <Info size={14} aria-hidden />
          {words.any}
        </li>
        <li>
          <Info size={14} aria-hidden />
          {words.manager}
        </li>
      </ul>
    </>
  );
}

/** As the server counts: characters, not the pairs that some of them are stored as. */
function countChars(password: string): number {
  return Array.from(password).length;
}
