// What one rule does on each agent that runs it.

import { Link } from '@tanstack/react-router';
import type { RuleInService } from '../api/rules.ts';
import { visible } from '../lib/visible.ts';
import { Breakable } from '../parts/Breakable.tsx';
import { Mark } from '../parts/Status.tsx';
import { rulesText } from '../text/rules.ts';
import { Cost, LastHit } from './columns.tsx';
import s from './Rules.module.css';
import { count } from './units.ts';

const names = rulesText.columns;
const words = rulesText.detail;

export function OnAgents({ rule }: { rule: RuleInService }) {
  const { agents, agents_count } = rule;
  return (
    <>
      <h3 className={s.heading} id="rule-agents">
        {words.agents}
      </h3>
      <table className={s.table} aria-labelledby="rule-agents">
        <thead>
          <tr>
            <th scope="col">{rulesText.filterAgent}</th>
            <th scope="col" data-align="end">
              {names.hits}
            </th>
            <th scope="col">{names.latest}</th>
            <th scope="col" data-align="end">
              {names.cost}
            </th>
          </tr>
        </thead>
        <tbody>
          {agents.map(({ agent_id, agent_name, hits, last_hit, cost_ns, slow, disabled }) => (
            <tr key={agent_id}>
              <td>
                <Link className="link" to="/rules" search={{ agent: agent_id }}>
                  <Breakable text={agent_name} />
                </Link>{' '}
                {disabled && (
                  <>
                    <Mark tone="bad" word={rulesText.states.disabled} />
                    <p className="muted">{visible(words.disabledFor(disabled.reason))}</p>
                  </>
                )}
                {slow && <Mark tone="warn" word={rulesText.states.slow} />}
              </td>
              <td data-align="end">{count(hits)}</td>
              <td>
                <LastHit at={last_hit} />
              </td>
              <td data-align="end">
                <Cost ns={cost_ns} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {agents_count > agents.length && (
        <p className="muted">{words.agentsShown(agents.length, agents_count)}</p>
      )}
      {rule.disabled && <p className={s.note}>{words.disabled}</p>}
      {rule.slow && <p className={s.note}>{words.slow}</p>}
      <p className={s.hint}>{words.cost}</p>
    </>
  );
}
