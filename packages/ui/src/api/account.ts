// What people do about themselves.
import type { Api } from './index.ts';
import type { SessionRow, TotpSecret } from './resources.ts';

export function accountApi({ call }: Api) {
  return {
    sessions: (signal?: AbortSignal) =>
      call<{ items: SessionRow[] }>({ path: '/auth/sessions', signal }),
    endSession: (id: string) =>
      call<void>({ method: 'DELETE', path: `/auth/sessions/${encodeURIComponent(id)}` }),
    endOtherSessions: () => call<void>({ method: 'DELETE', path: '/auth/sessions' }),
    changePassword: (body: { current_password: string; new_password: string }) =>
      call<void>({ method: 'PUT', path: '/auth/password', body }),
    beginTotp: (password: string) =>
      call<TotpSecret>({ method: 'POST', path: '/auth/totp', body: { password } }),
    confirmTotp: (code: string) =>
      call<{ recovery_codes: string[] }>({
        method: 'POST',
        path: '/auth/totp/confirm',
        body: { code },
      }),
    removeTotp: (password: string) =>
      call<void>({ method: 'POST', path: '/auth/totp/remove', body: { password } }),
  };
}
