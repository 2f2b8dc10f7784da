// Sign-in: fields that a password manager knows, a second step for who has one, and other sites to sign in with.
import { useDocumentTitle } from '@mantine/hooks';
import { useMutation, useQuery } from '@tanstack/react-query';
import { getRouteApi, Navigate } from '@tanstack/react-router';
import { useState } from 'react';
import { ApiError } from '../api/http.ts';
import { type Credentials, openApi } from '../api/index.ts';
import { keys } from '../data/keys.ts';
import { useServices } from '../data/services.ts';
import { text } from '../text.ts';
import { Card } from './Card.tsx';
import { PasswordStep } from './PasswordStep.tsx';
import { SecondStep } from './SecondStep.tsx';

const route = getRouteApi('/login');

export function Login() {
  const { session } = useServices();
  const { next = '/', refused } = route.useSearch();
  const navigate = route.useNavigate();
  const [first, setFirst] = useState<Credentials>();
  useDocumentTitle(`${text.login.title} · ${text.product}`);
  const setup = useQuery({
    queryKey: keys.setup,
    queryFn: ({ signal }) => openApi.setupNeeded(signal),
  });
  const login = useMutation({
    mutationFn: async (credentials: Credentials) => session.begin(await openApi.login(credentials)),
    onSuccess: () => navigate({ href: next, replace: true }),
    onError: (error, credentials) => {
      if (error instanceof ApiError && error.code === 'OPMAS_TOTP_REQUIRED') setFirst(credentials);
    },
  });

  if (setup.data?.needed) return <Navigate to="/setup" replace />;
  if (first) {
    // That the code is missing is why this step is shown, and no fault.
    const error = login.variables?.totp === undefined ? null : login.error;
    return (
      <Card title={text.login.second.title} intro={text.login.second.intro(first.username)}>
        <SecondStep
          error={error}
          isPending={login.isPending}
          onCode={(totp) => login.mutate({ ...first, totp })}
          onBack={() => {
            setFirst(undefined);
            login.reset();
          }}
        />
      </Card>
    );
  }
  const before = refused === undefined ? null : new Error(whyRefused(refused));
  return (
    <Card title={text.login.title}>
      <PasswordStep
        error={login.error ?? setup.error ?? before}
        isPending={login.isPending}
        next={next}
        onCredentials={(credentials) => login.mutate(credentials)}
      />
    </Card>
  );
}

/** Only our own words: anybody can write an address. */
function whyRefused(code: string): string {
  const { refused } = text.login;
  if (code === 'OPMAS_NO_ROLE') return refused.role;
  return code === 'OPMAS_FORBIDDEN' ? refused.forbidden : refused.else;
}
