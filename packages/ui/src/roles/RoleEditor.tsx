// Makes or changes a role: a name, and parts that each say what may be done with which agents.
import { Button } from '@mantine/core';
import { Plus } from 'lucide-react';
import { useState } from 'react';
import type { Role } from '../api/resources.ts';
import { useAccess, useChange } from '../data/access.ts';
import { keys } from '../data/keys.ts';
import { field } from '../lib/form.ts';
import { visible } from '../lib/visible.ts';
import { Dialog } from '../parts/Dialog.tsx';
import { Form } from '../parts/Form.tsx';
import { NameFields } from '../parts/NameFields.tsx';
import { rolesText } from '../text/roles.ts';
import { PartFields } from './PartFields.tsx';
import { EMPTY_PART, type Part, toGrants, toParts } from './parts.ts';

const words = rolesText.editor;

export function RoleEditor(props: {
  /** `null`: a new one; `undefined`: none, closed. */
  role: Role | null | undefined;
  onClose: () => void;
  onSaved: () => void;
}) {
  const { role } = props;
  return (
    <Dialog
      title={role ? words.title(visible(role.name)) : words.newTitle}
      isOpen={role !== undefined}
      onClose={props.onClose}
      size="xl"
    >
      {role !== undefined && <Fields {...props} role={role} />}
    </Dialog>
  );
}

interface Keyed extends Part {
  key: number;
}

function Fields(props: { role: Role | null; onClose: () => void; onSaved: () => void }) {
  const { role } = props;
  const access = useAccess();
  const [parts, setParts] = useState<readonly Keyed[]>(() => {
    const given = toParts(role?.grants ?? []);
    return (given.length > 0 ? given : [EMPTY_PART]).map((part, key) => ({ ...part, key }));
  });
  const save = useChange(
    (next: Omit<Role, 'built_in'>) => (role ? access.changeRole(next) : access.addRole(next)),
    [keys.roles],
    props.onSaved,
  );
  const change = (key: number, next: Partial<Part>) =>
    setParts(parts.map((part) => (part.key === key ? { ...part, ...next } : part)));
  const isWhole = parts.every((part) => part.permissions.length > 0);

  return (
    <Form
      submit={words.submit}
      isPending={save.isPending}
      error={save.error}
      canSubmit={isWhole}
      onCancel={props.onClose}
      onSubmit={(form) =>
        save.mutate({
          name: role?.name ?? field(form, 'name').trim(),
          description: field(form, 'description').trim(),
          grants: toGrants(parts),
        })
      }
    >
      <NameFields
        {...(role
          ? {}
          : {
              name: { label: words.name, help: words.nameHelp, pattern: '[a-z][a-z0-9\\-]{0,63}' },
            })}
        error={save.error}
        describe={words.description}
        description={role?.description}
      />
      {parts.map((part, index) => (
        <PartFields
          key={part.key}
          title={parts.length === 1 ? words.onlyPart : words.part(index + 1)}
          part={part}
          onChange={(next) => change(part.key, next)}
          onRemove={
            parts.length > 1
              ? () => setParts(parts.filter(({ key }) => key !== part.key))
              : undefined
          }
        />
      ))}
      <div>
        <Button
          variant="default"
          size="xs"
          leftSection={<Plus size={14} aria-hidden />}
          onClick={() =>
            setParts([
              ...parts,
              { ...EMPTY_PART, key: Math.max(...parts.map(({ key }) => key)) + 1 },
            ])
          }
        >
          {words.addPart}
        </Button>
      </div>
      {!isWhole && <p className="muted">{words.empty}</p>}
    </Form>
  );
}
