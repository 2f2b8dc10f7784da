// The columns of the users.
import { Link } from '@tanstack/react-router';
import type { User } from '../api/resources.ts';
import { visible } from '../lib/visible.ts';
import { Breakable } from '../parts/Breakable.tsx';
import type { Column } from '../parts/DataList.tsx';
import { Mark } from '../parts/Status.tsx';
import { TimeAgo } from '../parts/TimeAgo.tsx';
import { usersText } from '../text/users.ts';
import s from './Users.module.css';

const names = usersText.columns;

export function columns(myId: string | undefined): readonly Column<User>[] {
  return [
    {
      key: 'name',
      header: names.name,
      width: 'minmax(180px, 1.6fr)',
      lead: true,
      cell: (user) => (
        <span className={s.who}>
          <Link
            from="/users"
            search={(search) => ({ ...search, user: user.user_id })}
            replace
            resetScroll={false}
            className={s.name}
          >
            <Breakable text={user.username} />
          </Link>
          {user.user_id === myId && <span className="muted">{usersText.you}</span>}
          {user.disabled && <Mark tone="idle" word={usersText.disabled} />}
        </span>
      ),
    },
    {
      key: 'roles',
      header: names.roles,
      width: 'minmax(140px, 1.6fr)',
      lead: true,
      cell: (user) =>
        user.roles.length > 0 ? (
          user.roles.map(visible).join(', ')
        ) : (
          <span className="muted">{usersText.noRoles}</span>
        ),
    },
    {
      key: 'totp',
      header: names.totp,
      width: '116px',
      cell: (user) =>
        user.totp_enabled ? (
          <Mark tone="good" word={usersText.on} />
        ) : (
          <span className="muted">{usersText.off}</span>
        ),
    },
    {
      key: 'source',
      header: names.source,
      width: '104px',
      cell: (user) => usersText.sources[user.source] ?? user.source,
    },
    {
      key: 'last',
      header: names.last,
      width: '116px',
      cell: (user) =>
        user.last_login_at ? (
          <TimeAgo at={user.last_login_at} />
        ) : (
          <span className="muted">{usersText.never}</span>
        ),
    },
  ];
}
