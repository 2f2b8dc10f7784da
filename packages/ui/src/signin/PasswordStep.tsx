// The first step of sign-in: name and password, or another site.
import { Button, PasswordInput, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { LogIn, TriangleAlert } from 'lucide-react';
import { type FormEvent, useState } from 'react';
import { type Credentials, openApi, providerAddress } from '../api/index.ts';
import { keys } from '../data/keys.ts';
import { useServices } from '../data/services.ts';
import { useRetryAfter } from '../lib/countdown.ts';
import { field } from '../lib/form.ts';
import { duration } from '../lib/time.ts';
import { visible } from '../lib/visible.ts';
import { Fault } from '../parts/Fault.tsx';
import { text } from '../text.ts';
import s from './Card.module.css';

const words = text.login;

export function PasswordStep(props: {
  error: Error | null;
  isPending: boolean;
  next: string;
  onCredentials: (credentials: Credentials) => void;
}) {
  const [isMissing, setMissing] = useState(false);
  const wait = useRetryAfter(props.error);

  function submit(event: FormEvent<HTMLFormElement>): void {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const username = field(form, 'username').trim();
    const password = field(form, 'password');
    setMissing(!username || !password);
    if (username && password) props.onCredentials({ username, password });
  }

  const error = isMissing ? new Error(words.missing) : props.error;
  return (
    <form className={s.form} onSubmit={submit} noValidate>
      {error && <Fault error={error} />}
      {!window.isSecureContext && (
        <p className={s.note}>
          <TriangleAlert size={15} aria-hidden />
          {words.insecure}
        </p>
      )}
      <TextInput
        label={words.username}
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
        label={words.password}
        name="password"
        autoComplete="current-password"
        required
        withAsterisk={false}
        visibilityToggleButtonProps={{ 'aria-label': words.show, tabIndex: 0 }}
      />
      <Button type="submit" loading={props.isPending} disabled={wait > 0}>
        {wait > 0 ? words.wait(duration(wait)) : words.submit}
      </Button>
      <Providers next={props.next} />
    </form>
  );
}

/** Other sites to sign in with; nothing where there are none, or when they cannot be asked for. */
function Providers({ next }: { next: string }) {
  const { session } = useServices();
  const providers = useQuery({
    queryKey: keys.providers,
    queryFn: ({ signal }) => openApi.providers(signal),
  });
  const items = providers.data?.items ?? [];
  if (items.length === 0) return null;
  return (
    <>
      <div className={s.or}>{words.or}</div>
      {items.map(({ id, name }) => (
        <Button
          key={id}
          component="a"
          href={providerAddress(id, next)}
          variant="default"
          leftSection={<LogIn size={15} aria-hidden />}
          onClick={session.expect}
        >
          {words.with(visible(name))}
        </Button>
      ))}
    </>
  );
}
