// First run: whoever has the one-time code chooses the first user and is signed in.
import { Button, TextInput } from '@mantine/core';
import { useDocumentTitle } from '@mantine/hooks';
import { useMutation, useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { type FormEvent, useState } from 'react';
import { openApi } from '../api/index.ts';
import { keys } from '../data/keys.ts';
import { useServices } from '../data/services.ts';
import { field, refusalOf } from '../lib/form.ts';
import { limits } from '../limits.ts';
import { Fault } from '../parts/Fault.tsx';
import { isLongEnough, NewPassword } from '../parts/NewPassword.tsx';
import { text } from '../text.ts';
import s from './Card.module.css';
import { Card } from './Card.tsx';

const route = getRouteApi('/setup');

export function Setup() {
  const { session } = useServices();
  const { code } = route.useSearch();
  const navigate = route.useNavigate();
  const [password, setPassword] = useState('');
  useDocumentTitle(`${text.setup.title} · ${text.product}`);
  const state = useQuery({
    queryKey: keys.setup,
    queryFn: ({ signal }) => openApi.setupNeeded(signal),
  });
  const setup = useMutation({
    mutationFn: async (form: { code: string; username: string; password: string }) =>
      session.begin(await openApi.setup(form)),
    onSuccess: () => navigate({ to: '/', replace: true }),
  });

  function submit(event: FormEvent<HTMLFormElement>): void {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const username = field(form, 'username').trim();
    setup.mutate({ code: code ?? field(form, 'code').trim(), username, password });
  }

  if (state.data?.needed === false && !setup.isPending && !setup.isSuccess) {
    return (
      <Card title={text.setup.title} intro={text.setup.done}>
        <div className={s.form}>
          <Button component={Link} to="/login">
            {text.setup.toLogin}
          </Button>
        </div>
      </Card>
    );
  }
  // What is about the password stands at its field.
  const isShown = refusalOf(setup.error, 'password', 'OPMAS_PASSWORD_REFUSED') !== undefined;
  const error = isShown ? null : (setup.error ?? state.error);
  return (
    <Card title={text.setup.title} intro={text.setup.intro}>
      <form className={s.form} onSubmit={submit}>
        {error && <Fault error={error} />}
        {!code && (
          <TextInput
            label={text.setup.code}
            description={text.setup.codeHelp}
            name="code"
            autoComplete="off"
            required
            withAsterisk={false}
          />
        )}
        <TextInput
          label={text.setup.username}
          name="username"
          defaultValue="admin"
          autoComplete="username"
          autoCapitalize="none"
          spellCheck={false}
          required
          withAsterisk={false}
        />
        <NewPassword value={password} onChange={setPassword} error={setup.error} autoFocus />
        <Button
          type="submit"
          loading={setup.isPending}
          disabled={!isLongEnough(password, limits.passwordChars)}
        >
          {text.setup.submit}
        </Button>
      </form>
    </Card>
  );
}
