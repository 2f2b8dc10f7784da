// The columns of the roles.
import { Link } from '@tanstack/react-router';
import type { Role } from '../api/resources.ts';
import { visible } from '../lib/visible.ts';
import { Breakable } from '../parts/Breakable.tsx';
import type { Column } from '../parts/DataList.tsx';
import { GrantList } from '../parts/GrantList.tsx';
import { rolesText } from '../text/roles.ts';
import s from './Roles.module.css';

const names = rolesText.columns;
const GRANTS_SHOWN = 4;

export const columns: readonly Column<Role>[] = [
  {
    key: 'name',
    header: names.name,
    width: 'minmax(140px, 1fr)',
    lead: true,
    cell: (role) => (
      <span className={s.who}>
        <Link
          from="/roles"
          search={{ role: role.name }}
          replace
          resetScroll={false}
          className={s.name}
        >
          <Breakable text={role.name} />
        </Link>
        {role.built_in && <span className="muted">{rolesText.builtIn}</span>}
      </span>
    ),
  },
  {
    key: 'description',
    header: names.description,
    width: 'minmax(180px, 1.6fr)',
    lead: true,
    cell: (role) => visible(role.description),
  },
  {
    key: 'grants',
    header: names.grants,
    width: 'minmax(240px, 2.4fr)',
    lead: true,
    cell: (role) => {
      const hidden = role.grants.length - GRANTS_SHOWN;
      return (
        <span className={s.grants}>
          <GrantList grants={role.grants.slice(0, GRANTS_SHOWN)} />
          {hidden > 0 && <span className="muted">{rolesText.more(hidden)}</span>}
        </span>
      );
    },
  },
];
