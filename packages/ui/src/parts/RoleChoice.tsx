// Which roles: a box for each, with what it is for.
import { Checkbox, Loader } from '@mantine/core';
import { useRoles } from '../data/access.ts';
import { visible } from '../lib/visible.ts';
import { text } from '../text.ts';
import { Fault } from './Fault.tsx';
import s from './RoleChoice.module.css';

/** Every agent has it, and nobody else. */
const NOT_FOR_PEOPLE = 'agent';

export function RoleChoice(props: {
  label: string;
  chosen: readonly string[];
  onChange: (roles: string[]) => void;
  isFixed?: boolean;
}) {
  const { chosen, onChange, isFixed = false } = props;
  const roles = useRoles();
  if (roles.isPending && !roles.error) return <Loader size="sm" aria-label={text.loading} />;
  const known = (roles.data?.items ?? []).filter(({ name }) => name !== NOT_FOR_PEOPLE);
  // A role that cannot be seen, or is gone, must not be lost by saving.
  const strange = chosen.filter((name) => !known.some((role) => role.name === name));
  const rows = [...known, ...strange.map((name) => ({ name, description: '' }))];
  return (
    <fieldset className={s.roles}>
      <legend className={s.legend}>{props.label}</legend>
      {roles.error && <Fault error={roles.error} onRetry={() => void roles.refetch()} />}
      {rows.map(({ name, description }) => (
        <Checkbox
          key={name}
          label={visible(name)}
          description={visible(description)}
          checked={chosen.includes(name)}
          disabled={isFixed}
          onChange={({ currentTarget }) =>
            onChange(
              currentTarget.checked ? [...chosen, name] : chosen.filter((other) => other !== name),
            )
          }
        />
      ))}
    </fieldset>
  );
}
