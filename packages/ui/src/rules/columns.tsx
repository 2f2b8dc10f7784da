// The columns of the rules. What a rule's author wrote is shown as text, never as markup.
import { Link } from '@tanstack/react-router';
import type { RuleInService } from '../api/rules.ts';
import { visible } from '../lib/visible.ts';
import { Breakable } from '../parts/Breakable.tsx';
import type { Column } from '../parts/DataList.tsx';
import { SeverityMark } from '../parts/SeverityMark.tsx';
import { Mark } from '../parts/Status.tsx';
import { TimeAgo } from '../parts/TimeAgo.tsx';
import { rulesText } from '../text/rules.ts';
import s from './Rules.module.css';
import { cost, count } from './units.ts';

const names = rulesText.columns;

export function kindWord(kind: string): string {
  return kind in rulesText.kinds
    ? rulesText.kinds[kind as keyof typeof rulesText.kinds]
    : visible(kind);
}

export function Cost({ ns }: { ns: number | null }) {
  return ns === null ? <span className="muted">{rulesText.unmeasured}</span> : cost(ns);
}

export const columns: readonly Column<RuleInService>[] = [
  {
    key: 'severity',
    header: names.severity,
    width: '96px',
    lead: true,
    cell: ({ severity }) => <SeverityMark severity={severity} />,
  },
  {
    key: 'rule',
    header: names.rule,
    width: 'minmax(220px, 3fr)',
    lead: true,
    cell: ({ rule_id, name, slow, disabled }) => (
      <>
        <Link
          from="/rules"
          search={(search) => ({ ...search, rule: rule_id })}
          replace
          resetScroll={false}
          className={s.name}
        >
          <Breakable text={name} />
        </Link>
        <div className={s.id}>
          <Breakable text={rule_id} />
          {disabled && <Mark tone="bad" word={rulesText.states.disabled} />}
          {slow && <Mark tone="warn" word={rulesText.states.slow} />}
        </div>
      </>
    ),
  },
  { key: 'kind', header: names.kind, width: '84px', cell: ({ kind }) => kindWord(kind) },
  {
    key: 'agents',
    header: names.agents,
    width: 'minmax(110px, 1fr)',
    cell: ({ agents, agents_count }) =>
      agents_count === 1 && agents[0] ? (
        <Breakable text={agents[0].agent_name} />
      ) : (
        <span title={agents.map(({ agent_name }) => visible(agent_name)).join(', ')}>
          {rulesText.agentsOf(agents_count)}
        </span>
      ),
  },
  {
    key: 'hits',
    header: names.hits,
    width: '64px',
    align: 'end',
    cell: ({ hits }) => count(hits),
  },
  {
    key: 'latest',
    header: names.latest,
    width: '148px',
    cell: ({ last_hit }) => <LastHit at={last_hit} />,
  },
  {
    key: 'cost',
    header: names.cost,
    width: '108px',
    align: 'end',
    cell: ({ cost_ns }) => <Cost ns={cost_ns} />,
  },
];

/** When it last matched; one that never did says so. */
export function LastHit({ at }: { at: string | null }) {
  return at === null ? <Mark tone="idle" word={rulesText.states.never} /> : <TimeAgo at={at} />;
}
