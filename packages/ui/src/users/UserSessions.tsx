// Where one user is signed in.
import { Button, Loader } from '@mantine/core';
import type { User } from '../api/resources.ts';
import { useAccess, useChange, useUserSessions } from '../data/access.ts';
import { keys } from '../data/keys.ts';
import { Fault } from '../parts/Fault.tsx';
import { Notice } from '../parts/Notice.tsx';
import { SessionList } from '../parts/SessionList.tsx';
import { usersText } from '../text/users.ts';
import { text } from '../text.ts';
import s from './Users.module.css';

const words = usersText.detail;

export function UserSessions({ user, mayWrite }: { user: User; mayWrite: boolean }) {
  const access = useAccess();
  const sessions = useUserSessions(user.user_id);
  const end = useChange(access.endUserSessions, [keys.userSessions(user.user_id)]);
  const rows = sessions.data?.items ?? [];
  const error = sessions.error ?? end.error;
  return (
    <>
      <div className={s.top}>
        <h3 className={s.heading}>{words.sessions}</h3>
        {mayWrite && rows.length > 0 && (
          <Button
            variant="default"
            size="xs"
            loading={end.isPending}
            onClick={() => end.mutate(user.user_id)}
          >
            {words.endSessions}
          </Button>
        )}
      </div>
      {error && <Fault error={error} onRetry={() => void sessions.refetch()} />}
      {sessions.isPending && !error && <Loader size="sm" aria-label={text.loading} />}
      <Notice said={end.isSuccess ? words.endedSessions : undefined} />
      {sessions.data && rows.length === 0 && <p className="muted">{words.noSessions}</p>}
      {rows.length > 0 && <SessionList rows={rows} />}
    </>
  );
}
