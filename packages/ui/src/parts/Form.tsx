// A form whose submit may fail or take a while: its faults above, its buttons below.
import { Button } from '@mantine/core';
import { type FormEvent, type ReactNode, useEffect, useRef } from 'react';
import { useRetryAfter } from '../lib/countdown.ts';
import { duration } from '../lib/time.ts';
import { text } from '../text.ts';
import { Fault } from './Fault.tsx';
import s from './Form.module.css';

export function Form(props: {
  submit: string;
  onSubmit: (form: FormData) => void;
  isPending: boolean;
  /** What the last try met; leave out what a field of its own shows. */
  error: unknown;
  canSubmit?: boolean;
  isDangerous?: boolean;
  /** Beside the first button: other ways to go on. */
  actions?: ReactNode;
  onCancel?: (() => void) | undefined;
  /** Where plain “Cancel” could be taken for what is asked about. */
  cancel?: string;
  children?: ReactNode;
}) {
  const { isPending, error, canSubmit = true, isDangerous = false, onCancel } = props;
  const wait = useRetryAfter(error);
  const fault = useRef<HTMLDivElement>(null);
  // Above a long form nobody would see why it was refused.
  useEffect(() => {
    if (error !== null && error !== undefined) fault.current?.scrollIntoView({ block: 'nearest' });
  }, [error]);
  function submit(event: FormEvent<HTMLFormElement>): void {
    event.preventDefault();
    // A form in a dialog of a form is inside that one to React.
    event.stopPropagation();
    props.onSubmit(new FormData(event.currentTarget));
  }
  return (
    <form className={s.form} onSubmit={submit}>
      {error !== null && error !== undefined && (
        <div ref={fault}>
          <Fault error={error} />
        </div>
      )}
      {props.children}
      <div className={s.buttons}>
        <Button
          type="submit"
          loading={isPending}
          disabled={!canSubmit || wait > 0}
          {...(isDangerous ? { className: s.danger ?? '' } : {})}
        >
          {wait > 0 ? text.login.wait(duration(wait)) : props.submit}
        </Button>
        {props.actions}
        {onCancel && (
          <Button variant="default" onClick={onCancel}>
            {props.cancel ?? text.cancel}
          </Button>
        )}
      </div>
    </form>
  );
}
