// Who may sign in.
import { Button, Loader } from '@mantine/core';
import { getRouteApi } from '@tanstack/react-router';
import { SearchX, UserPlus } from 'lucide-react';
import { useMemo, useState } from 'react';
import type { User } from '../api/resources.ts';
import { useUsers } from '../data/access.ts';
import { useMay, useMe } from '../data/me.ts';
import { DataList } from '../parts/DataList.tsx';
import { Empty } from '../parts/Empty.tsx';
import { Fault } from '../parts/Fault.tsx';
import { FilterBar } from '../parts/FilterBar.tsx';
import { Notice } from '../parts/Notice.tsx';
import { Page } from '../parts/Page.tsx';
import { usersText } from '../text/users.ts';
import { text } from '../text.ts';
import { columns } from './columns.tsx';
import { filterUsers, type UsersSearch } from './filter.ts';
import { NewUser } from './NewUser.tsx';
import { UserSheet } from './UserSheet.tsx';

const NONE: readonly User[] = [];
const route = getRouteApi('/app/users');

export function Users() {
  const me = useMe();
  const mayWrite = useMay('users:write');
  const users = useUsers();
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const [isAdding, setAdding] = useState(false);
  const [said, setSaid] = useState<string>();
  const rows = useMemo(() => filterUsers(users.data ?? NONE, search), [users.data, search]);
  const set = (next: UsersSearch) =>
    void navigate({ search: next, replace: true, resetScroll: false });
  const open = (user?: string) => {
    const { user: _before, ...rest } = search;
    set(user ? { ...rest, user } : rest);
  };
  const shape = useMemo(() => columns(me?.id), [me?.id]);

  return (
    <Page
      title={usersText.title}
      aside={
        mayWrite && (
          <Button
            size="sm"
            leftSection={<UserPlus size={16} aria-hidden />}
            onClick={() => {
              setSaid(undefined);
              setAdding(true);
            }}
          >
            {usersText.add}
          </Button>
        )
      }
    >
      <Notice said={said} />
      <FilterBar
        label={usersText.filter}
        placeholder={usersText.filterPlaceholder}
        q={search.q ?? ''}
        onText={(q) => set({ ...search, q })}
        onClear={search.q ? () => set({}) : undefined}
      >
        {users.data && <span className="muted">{usersText.count(users.data.length)}</span>}
      </FilterBar>
      {users.error && <Fault error={users.error} onRetry={() => void users.refetch()} />}
      {users.isPending && !users.error && <Loader aria-label={text.loading} mx="auto" my="xl" />}
      {rows.length > 0 && (
        <DataList
          label={usersText.table}
          columns={shape}
          rows={rows}
          rowKey={(row) => row.user_id}
          rowHeight={45}
          onOpen={(row) => open(row.user_id)}
          isOpen={(row) => row.user_id === search.user}
        />
      )}
      {users.data && rows.length === 0 && <Empty icon={SearchX} title={usersText.noMatch} />}
      <NewUser
        isOpen={isAdding}
        onClose={() => setAdding(false)}
        onAdded={(name) => {
          setAdding(false);
          setSaid(usersText.adding.done(name));
        }}
      />
      <UserSheet
        user={users.data?.find((user) => user.user_id === search.user)}
        isOpen={search.user !== undefined && users.data !== undefined}
        onClose={() => open()}
        mayWrite={mayWrite}
      />
    </Page>
  );
}
