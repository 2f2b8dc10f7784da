// The roles of one user, to look at or to change.
import { useState } from 'react';
import type { User } from '../api/resources.ts';
import { useAccess, useChange } from '../data/access.ts';
import { keys } from '../data/keys.ts';
import { visible } from '../lib/visible.ts';
import { Form } from '../parts/Form.tsx';
import { Notice } from '../parts/Notice.tsx';
import { RoleChoice } from '../parts/RoleChoice.tsx';
import { usersText } from '../text/users.ts';

const words = usersText.detail;

export function UserRoles({ user, mayWrite }: { user: User; mayWrite: boolean }) {
  const access = useAccess();
  const [chosen, setChosen] = useState<readonly string[]>();
  const roles = chosen ?? user.roles;
  const save = useChange(
    (next: readonly string[]) => access.changeUser(user.user_id, { roles: next }),
    [keys.users],
    () => setChosen(undefined),
  );
  const isElsewhere = user.source !== 'local';
  if (!mayWrite || isElsewhere) {
    return (
      <div>
        {words.roles}: {user.roles.map(visible).join(', ') || usersText.noRoles}
        {isElsewhere && <p className="muted">{words.rolesElsewhere}</p>}
      </div>
    );
  }
  const isChanged = roles.toSorted().join('\n') !== user.roles.toSorted().join('\n');
  return (
    <>
      <Form
        submit={words.saveRoles}
        isPending={save.isPending}
        error={save.error}
        canSubmit={isChanged}
        onSubmit={() => save.mutate(roles)}
      >
        <RoleChoice
          label={words.roles}
          chosen={roles}
          onChange={(next) => {
            save.reset();
            setChosen(next);
          }}
        />
      </Form>
      <Notice said={save.isSuccess ? words.savedRoles : undefined} />
    </>
  );
}
