// One user: roles, sessions, and what an administrator may do about the account.
import type { User } from '../api/resources.ts';
import { absolute } from '../lib/time.ts';
import { Fact, Facts } from '../parts/Facts.tsx';
import { Sheet } from '../parts/Sheet.tsx';
import { Mark } from '../parts/Status.tsx';
import { TimeAgo } from '../parts/TimeAgo.tsx';
import { usersText } from '../text/users.ts';
import { UserActions } from './UserActions.tsx';
import { UserRoles } from './UserRoles.tsx';
import { UserSessions } from './UserSessions.tsx';
import s from './Users.module.css';

const words = usersText.detail;

export function UserSheet(props: {
  user: User | undefined;
  isOpen: boolean;
  onClose: () => void;
  mayWrite: boolean;
}) {
  const { user, mayWrite } = props;
  return (
    <Sheet title={words.title} isOpen={props.isOpen} onClose={props.onClose}>
      {user ? (
        <div className={s.sheet} key={user.user_id}>
          <Facts>
            <Fact name={usersText.columns.name}>
              <strong>{user.username}</strong>{' '}
              {user.disabled && <Mark tone="idle" word={usersText.disabled} />}
            </Fact>
            <Fact name={usersText.columns.source}>
              {usersText.sources[user.source] ?? user.source}
            </Fact>
            <Fact name={usersText.columns.totp}>
              {user.totp_enabled ? usersText.on : usersText.off}
            </Fact>
            <Fact name={words.last}>
              {user.last_login_at ? <TimeAgo at={user.last_login_at} /> : usersText.never}
            </Fact>
            <Fact name={words.made}>{absolute(user.created_at)}</Fact>
            <Fact name={words.changed}>{absolute(user.updated_at)}</Fact>
            <Fact name={words.id}>
              <code>{user.user_id}</code>
            </Fact>
          </Facts>
          <UserRoles user={user} mayWrite={mayWrite} />
          <UserSessions user={user} mayWrite={mayWrite} />
          {mayWrite && <UserActions user={user} onDeleted={props.onClose} />}
        </div>
      ) : (
        <p className="muted">{words.gone}</p>
      )}
    </Sheet>
  );
}
