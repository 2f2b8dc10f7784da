// Whom a selector reaches now; of a change also who joins and who leaves.
import type { Agent } from '@opmas/protocol';
import { useMe } from '../data/me.ts';
import { maySomewhere } from '../lib/grants.ts';
import { visible } from '../lib/visible.ts';
import { limits } from '../limits.ts';
import { Fault } from '../parts/Fault.tsx';
import { groupsText } from '../text/groups.ts';
import s from './Groups.module.css';
import { movesOf, type Reach } from './reach.ts';

const words = groupsText.reach;

export function Preview(props: {
  reach: Reach;
  /** Of the selector in force; absent: a new group. */
  before: Reach | undefined;
  agents: { data: readonly Agent[] | undefined; error: unknown; refetch: () => unknown };
}) {
  const { reach, before, agents } = props;
  const me = useMe();
  if (!maySomewhere(me, 'agents:read')) return <p className={s.note}>{words.hidden}</p>;
  if (agents.error !== null)
    return <Fault error={agents.error} onRetry={() => void agents.refetch()} />;
  const all = (agents.data ?? []).filter(({ status }) => status !== 'removed').length;
  const chosen = reach.ok ? reach.agents : [];
  const { joins, leaves, stays } = movesOf(before?.ok ? before.agents : [], chosen);
  const isChange = before?.ok === true;
  const rows = isChange
    ? [
        ...joins.map((agent) => ({ agent, move: words.joining })),
        ...leaves.map((agent) => ({ agent, move: words.leaving })),
        ...stays.map((agent) => ({ agent, move: undefined })),
      ]
    : chosen.map((agent) => ({ agent, move: undefined }));
  const sum = [
    chosen.length === 0 ? words.none : words.some(chosen.length, all),
    ...(isChange && joins.length > 0 ? [words.joins(joins.length)] : []),
    ...(isChange && leaves.length > 0 ? [words.leaves(leaves.length)] : []),
  ];
  return (
    <section className={s.preview} aria-label={words.title}>
      <h3 className={s.heading}>{words.title}</h3>
      <p role="status" className={s.sum}>
        {reach.ok ? sum.join(' · ') : '–'}
      </p>
      {reach.ok && rows.length > 0 && (
        // Focusable, because it scrolls.
        // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex
        <ul className={s.agents} tabIndex={0} aria-label={words.title}>
          {rows.slice(0, limits.membersShown).map(({ agent, move }) => (
            <li key={agent.agent_id} data-move={move}>
              {visible(agent.name)}
              {move && <span className={s.move}>{move}</span>}
            </li>
          ))}
        </ul>
      )}
      {rows.length > limits.membersShown && (
        <p className={s.note}>{words.more(rows.length - limits.membersShown)}</p>
      )}
    </section>
  );
}
