// One part of a role: its permissions, and the agents they are limited to.
import { Button, Checkbox, Loader } from '@mantine/core';
import { usePermissions } from '../data/access.ts';
import { useAgents } from '../data/queries.ts';
import { visible } from '../lib/visible.ts';
import { Fault } from '../parts/Fault.tsx';
import { TokenField } from '../parts/TokenField.tsx';
import { rolesText } from '../text/roles.ts';
import { text } from '../text.ts';
import { byResource, isCovered, type Part, toggled } from './parts.ts';
import s from './Roles.module.css';

const words = rolesText.editor;

export function PartFields(props: {
  title: string;
  part: Part;
  onChange: (next: Partial<Part>) => void;
  onRemove: (() => void) | undefined;
}) {
  const { part, onChange, onRemove } = props;
  const permissions = usePermissions();
  const chosen = part.permissions;
  const box = (permission: string, label: string, description?: string) => {
    const covered = isCovered(chosen, permission);
    return (
      <Checkbox
        key={permission}
        label={label}
        description={covered ? words.covered : description}
        checked={covered || chosen.includes(permission)}
        disabled={covered}
        onChange={() => onChange({ permissions: toggled(chosen, permission) })}
      />
    );
  };
  return (
    <fieldset className={s.part}>
      <legend className={s.legend}>{props.title}</legend>
      <div className={s.wide}>
        {box('*', words.everything, words.everythingNote)}
        {box('*:read', words.seeing, words.seeingNote)}
      </div>
      {permissions.error && (
        <Fault error={permissions.error} onRetry={() => void permissions.refetch()} />
      )}
      {permissions.isPending && !permissions.error && <Loader aria-label={text.loading} />}
      <div className={s.resources}>
        {byResource(permissions.data?.items ?? []).map(({ name, rows }) => (
          <fieldset key={name} className={s.resource}>
            <legend>{visible(name)}</legend>
            {rows.length > 1 && box(`${name}:*`, words.allOf(visible(name)))}
            {rows.map((row) => box(row.permission, row.permission, visible(row.meaning)))}
          </fieldset>
        ))}
      </div>
      <h3 className={s.heading}>{words.limit}</h3>
      <p className={s.note}>{words.limitNote}</p>
      <Limits part={part} onChange={onChange} />
      {onRemove && (
        <div>
          <Button variant="default" size="xs" onClick={onRemove}>
            {words.removePart}
          </Button>
        </div>
      )}
    </fieldset>
  );
}

function Limits({ part, onChange }: { part: Part; onChange: (next: Partial<Part>) => void }) {
  const agents = useAgents().data ?? [];
  const known = {
    ids: agents.map(({ agent_id, name }) => ({ value: agent_id, label: name })),
    types: distinct(agents.map(({ type }) => type)),
    tags: distinct(agents.flatMap(({ tags }) => tags)),
  };
  return (
    <div className={s.limit}>
      {(['ids', 'types', 'tags'] as const).map((kind) => (
        <TokenField
          key={kind}
          label={words[kind]}
          words={part[kind]}
          suggestions={known[kind]}
          onChange={(next) => onChange({ [kind]: next })}
        />
      ))}
    </div>
  );
}

function distinct(values: readonly string[]): { value: string }[] {
  return [...new Set(values)].sort().map((value) => ({ value }));
}
