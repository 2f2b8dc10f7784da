// What can be done to the agents chosen in the fleet; it stays in sight while the list is scrolled.
import { Button } from '@mantine/core';
import type { Agent } from '@opmas/protocol';
import { useState } from 'react';
import { useMe } from '../data/me.ts';
import { jobsText } from '../text/jobs.ts';
import { BulkDialog, type BulkQuestion } from './BulkDialog.tsx';
import { offered } from './bulk.ts';
import s from './Jobs.module.css';

const words = jobsText.bulk;

export function Selection(props: {
  agents: readonly Agent[];
  /** How many the list shows, and chooses at once. */
  shown: number;
  onAll: () => void;
  onNone: () => void;
}) {
  const { agents, shown } = props;
  const me = useMe();
  const [asked, setAsked] = useState<BulkQuestion>();
  const actions = offered(me, agents);
  return (
    <section className={s.selection} aria-label={words.bar}>
      <strong role="status">{words.selected(agents.length)}</strong>
      {actions.map((action) => (
        <Button
          key={action}
          size="xs"
          variant="default"
          onClick={() => setAsked({ action, agents })}
        >
          {jobsText.actions[action]}
        </Button>
      ))}
      {actions.length === 0 && <span className="muted">{words.forbidden}</span>}
      {agents.length < shown && (
        <Button size="xs" variant="subtle" onClick={props.onAll}>
          {words.all(shown)}
        </Button>
      )}
      <Button size="xs" variant="subtle" onClick={props.onNone}>
        {words.none}
      </Button>
      <BulkDialog question={asked} onClose={() => setAsked(undefined)} />
    </section>
  );
}
