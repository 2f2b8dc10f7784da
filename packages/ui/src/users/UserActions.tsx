// What an administrator may do about an account: each names its effect and asks first.
import { Button } from '@mantine/core';
import { useState } from 'react';
import type { User } from '../api/resources.ts';
import { useAccess, useChange } from '../data/access.ts';
import { keys } from '../data/keys.ts';
import { Confirm, type Question } from '../parts/Confirm.tsx';
import { Fault } from '../parts/Fault.tsx';
import { Notice } from '../parts/Notice.tsx';
import { usersText } from '../text/users.ts';
import { SetPassword } from './SetPassword.tsx';
import s from './Users.module.css';

const words = usersText.detail;

export function UserActions({ user, onDeleted }: { user: User; onDeleted: () => void }) {
  const access = useAccess();
  const { user_id: id, username } = user;
  const [question, setQuestion] = useState<Question>();
  const [isSetting, setSetting] = useState(false);
  const [said, setSaid] = useState<string>();
  const say = (done: string) => () => setSaid(done);
  const disable = useChange(
    (disabled: boolean) => access.changeUser(id, { disabled }),
    [keys.users],
    (after) => setSaid(after.disabled ? words.disabled : words.enabled),
  );
  const removeTotp = useChange(access.removeUserTotp, [keys.users], say(words.removedTotp));
  const remove = useChange(access.deleteUser, [keys.users], onDeleted);
  const ask = (next: Question) => {
    setSaid(undefined);
    setQuestion(next);
  };

  const questions = {
    disable: {
      title: words.disableTitle(username),
      effect: words.disableEffect,
      submit: words.disable,
      act: () => disable.mutateAsync(true),
    },
    removeTotp: {
      title: words.removeTotpTitle(username),
      effect: words.removeTotpEffect,
      submit: words.removeTotp,
      act: () => removeTotp.mutateAsync(id),
    },
    remove: {
      title: words.deleteTitle(username),
      effect: words.deleteEffect,
      submit: words.delete,
      typed: username,
      act: () => remove.mutateAsync(id),
    },
  } satisfies Record<string, Question>;

  return (
    <>
      <h3 className={s.heading}>{words.more}</h3>
      {disable.error && !question && <Fault error={disable.error} />}
      <div className={s.buttons}>
        {user.source === 'local' && (
          <Button variant="default" size="xs" onClick={() => setSetting(true)}>
            {words.setPassword}
          </Button>
        )}
        {user.totp_enabled && (
          <Button variant="default" size="xs" onClick={() => ask(questions.removeTotp)}>
            {words.removeTotp}
          </Button>
        )}
        {user.disabled ? (
          <Button
            variant="default"
            size="xs"
            loading={disable.isPending}
            onClick={() => disable.mutate(false)}
          >
            {words.enable}
          </Button>
        ) : (
          <Button variant="default" size="xs" onClick={() => ask(questions.disable)}>
            {words.disable}
          </Button>
        )}
        <Button
          variant="default"
          size="xs"
          className={s.bad ?? ''}
          onClick={() => ask(questions.remove)}
        >
          {words.delete}
        </Button>
      </div>
      <Notice said={said} />
      <Confirm question={question} onDone={() => setQuestion(undefined)} />
      <SetPassword
        user={user}
        isOpen={isSetting}
        onClose={() => setSetting(false)}
        onSet={() => {
          setSetting(false);
          setSaid(words.password.done);
        }}
      />
    </>
  );
}
