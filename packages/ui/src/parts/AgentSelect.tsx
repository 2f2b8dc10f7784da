// Chooses one of the agents, or none; one that is not known, as of an old address, stays chosen.
import { NativeSelect } from '@mantine/core';
import { useAgents } from '../data/queries.ts';
import { visible } from '../lib/visible.ts';

export function AgentSelect(props: {
  /** Of its own above the field, or only for screen readers. */
  label: string;
  isLabelHidden?: boolean;
  /** What no agent means. */
  none: string;
  agent: string | undefined;
  onChange: (agent: string) => void;
}) {
  const { agent, label } = props;
  const agents = useAgents();
  const known = (agents.data ?? [])
    .map(({ agent_id, name }) => ({ value: agent_id, label: visible(name) }))
    .sort((a, b) => a.label.localeCompare(b.label));
  const isStrange = agent && !known.some(({ value }) => value === agent);
  return (
    <NativeSelect
      {...(props.isLabelHidden ? { 'aria-label': label } : { label })}
      value={agent ?? ''}
      onChange={(event) => props.onChange(event.currentTarget.value)}
      data={[
        { value: '', label: props.none },
        ...known,
        ...(isStrange ? [{ value: agent, label: visible(agent) }] : []),
      ]}
    />
  );
}
