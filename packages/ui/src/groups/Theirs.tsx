// Somebody else changed the group while one was typing: what it is now.
import type { Group } from '../api/groups.ts';
import { visible } from '../lib/visible.ts';
import { Fact, Facts } from '../parts/Facts.tsx';
import { groupsText } from '../text/groups.ts';
import s from './Groups.module.css';

const facts = groupsText.facts;

export function Theirs({ group }: { group: Group }) {
  return (
    <section className={s.theirs} role="alert" aria-label={groupsText.form.theirs}>
      <p>{groupsText.form.conflict(group.version)}</p>
      <Facts>
        <Fact name={facts.selector}>
          <code>{visible(group.selector)}</code>
        </Fact>
        <Fact name={facts.priority}>{String(group.priority)}</Fact>
        <Fact name={facts.description}>{group.description}</Fact>
      </Facts>
    </section>
  );
}
