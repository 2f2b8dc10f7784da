// First run: whoever has the one-time code chooses the first user and is signed in.
import { Button, PasswordInput, TextInput } from '@mantine/core';
import { useDocumentTitle } from '@mantine/hooks';
import { useMutation, useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { Check, Circle, Info } from 'lucide-react';
import { type FormEvent, useState } from 'react';
import { openApi } from '../api/index.ts';
import { keys } from '../data/keys.ts';
import { useServices } from '../data/services.ts';
import { field } from '../lib/form.ts';
import { limits } from '../limits.ts';
import { Fault } from '../parts/Fault.tsx';
import { text } from '../text.ts';
import s from './Card.module.css';
import { Card } from './Card.tsx';

const route = getRouteApi('/setup');

export function Setup() {
  const { session } = useServices();
  const { code } = route.useSearch();
  const navigate = route.useNavigate();
  const [password, setPassword] = useState('');
  const isLong = password.length >= limits.passwordChars;
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
  const error = setup.error ?? state.error;
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
        <PasswordInput
          label={text.setup.password}
          name="password"
          autoComplete="new-password"
          value={password}
          onChange={(event) => setPassword(event.currentTarget.value)}
          aria-describedby="password-rules"
          required
          withAsterisk={false}
          autoFocus
          visibilityToggleButtonProps={{ 'aria-label': text.login.show, tabIndex: 0 }}
        />
        <Rules isLong={isLong} />
        <Button type="submit" loading={setup.isPending} disabled={!isLong}>
          {text.setup.submit}
        </Button>
      </form>
    </Card>
  );
}

function Rules({ isLong }: { isLong: boolean }) {
  const Mark = isLong ? Check : Circle;
  return (
    <ul id="password-rules" className={s.rules} aria-label={text.setup.rules}>
      <li data-met={isLong ? '' : undefined}>
        <Mark size={14} aria-label={isLong ? text.setup.met : text.setup.notMet} />
        {text.setup.ruleLength}
      </li>
      <li>
        <Info size={14} aria-hidden />
        {text.setup.ruleAny}
      </li>
      <li>
        <Info size={14} aria-hidden />
        {text.setup.ruleManager}
      </li>
    </ul>
  );
}
