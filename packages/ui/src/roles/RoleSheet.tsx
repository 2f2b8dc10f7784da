// One role whole: what it grants, and for which agents.
import { Button } from '@mantine/core';
import { useState } from 'react';
import type { Role } from '../api/resources.ts';
import { useAccess, useChange } from '../data/access.ts';
import { keys } from '../data/keys.ts';
import { visible } from '../lib/visible.ts';
import { Confirm, type Question } from '../parts/Confirm.tsx';
import { Fact, Facts } from '../parts/Facts.tsx';
import { GrantList } from '../parts/GrantList.tsx';
import { Sheet } from '../parts/Sheet.tsx';
import { rolesText } from '../text/roles.ts';
import s from './Roles.module.css';

const words = rolesText.detail;

export function RoleSheet(props: {
  role: Role | undefined;
  isOpen: boolean;
  onClose: () => void;
  /** Absent: it can only be looked at. */
  onEdit: ((role: Role) => void) | undefined;
}) {
  const { role, onClose, onEdit } = props;
  const access = useAccess();
  const [question, setQuestion] = useState<Question>();
  const remove = useChange(access.deleteRole, [keys.roles], onClose);
  return (
    <Sheet title={words.title} isOpen={props.isOpen} onClose={onClose}>
      {!role && <p className="muted">{words.gone}</p>}
      {role && (
        <div className={s.sheet}>
          <Facts>
            <Fact name={rolesText.columns.name}>
              <strong>{visible(role.name)}</strong>
            </Fact>
            <Fact name={rolesText.columns.description}>{role.description}</Fact>
            <Fact name={rolesText.columns.grants}>
              <GrantList grants={role.grants} />
            </Fact>
          </Facts>
          {role.built_in && <p className="muted">{words.fixed}</p>}
          {!role.built_in && onEdit && (
            <div className={s.buttons}>
              <Button size="xs" variant="default" onClick={() => onEdit(role)}>
                {words.edit}
              </Button>
              <Button
                size="xs"
                variant="default"
                className={s.bad ?? ''}
                onClick={() =>
                  setQuestion({
                    title: words.deleteTitle(role.name),
                    effect: words.deleteEffect,
                    submit: words.delete,
                    act: () => remove.mutateAsync(role.name),
                  })
                }
              >
                {words.delete}
              </Button>
            </div>
          )}
        </div>
      )}
      <Confirm question={question} onDone={() => setQuestion(undefined)} />
    </Sheet>
  );
}
