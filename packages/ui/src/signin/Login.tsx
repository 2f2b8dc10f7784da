// Sign-in: fields that a password manager knows, and the server's own words when it says no.
import { Button, PasswordInput, TextInput } from '@mantine/core';
import { useDocumentTitle } from '@mantine/hooks';
import { useMutation, useQuery } from '@tanstack/react-query';
import { getRouteApi, Navigate } from '@tanstack/react-router';
import { type FormEvent, useState } from 'react';
import { openApi } from '../api/index.ts';
import { keys } from '../data/keys.ts';
import { useServices } from '../data/services.ts';
import { field } from '../lib/form.ts';
import { Fault } from '../parts/Fault.tsx';
import { text } from '../text.ts';
import s from './Card.module.css';
import { Card } from './Card.tsx';

const route = getRouteApi('/login');

export function Login() {
  const { session } = useServices();
  const { next } = route.useSearch();
  const navigate = route.useNavigate();
  const [isMissing, setMissing] = useState(false);
  useDocumentTitle(`${text.login.title} · ${text.product}`);
  const setup = useQuery({
    queryKey: keys.setup,
    queryFn: ({ signal }) => openApi.setupNeeded(signal),
  });
  const login = useMutation({
    mutationFn: async (form: { username: string; password: string }) =>
      session.begin(await openApi.login(form)),
    onSuccess: () => navigate({ href: next ?? '/', replace: true }),
  });

  function submit(event: FormEvent<HTMLFormElement>): void {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const username = field(form, 'username').trim();
    const password = field(form, 'password');
    setMissing(!username || !password);
    if (username && password) login.mutate({ username, password });
  }

  if (setup.data?.needed) return <Navigate to="/setup" replace />;
  const error = isMissing ? new Error(text.login.missing) : (login.error ?? setup.error);
  return (
    <Card title={text.login.title}>
      <form className={s.form} onSubmit={submit} noValidate>
        {error && <Fault error={error} />}
        <TextInput
          label={text.login.username}
          name="username"
          autoComplete="username"
          autoCapitalize="none"
          spellCheck={false}
          required
          withAsterisk={false}
          data-autofocus
          autoFocus
        />
        <PasswordInput
          label={text.login.password}
          name="password"
          autoComplete="current-password"
          required
          withAsterisk={false}
          visibilityToggleButtonProps={{ 'aria-label': text.login.show, tabIndex: 0 }}
        />
        <Button type="submit" loading={login.isPending}>
          {text.login.submit}
        </Button>
      </form>
    </Card>
  );
}
