// The blast radius of a change: how many agents are told something else, which, and what that asks of them.
import type { Validation } from '../api/configs.ts';
import { visible } from '../lib/visible.ts';
import { Mark } from '../parts/Status.tsx';
import { configsText } from '../text/configs.ts';
import { Changes } from './Changes.tsx';
import s from './Configs.module.css';

const words = configsText.blast;

export function blastSum(check: Validation): string {
  return check.counts.changed === 0 ? words.none : words.sum(check.counts);
}

/** Agents with what changes for them; each is opened by itself. */
export function Blast({ check }: { check: Validation }) {
  const hidden = check.counts.changed - check.affected.length;
  return (
    <>
      <p className={s.sum}>{blastSum(check)}</p>
      {check.affected.length > 0 && (
        <ul className={s.blast} aria-label={words.title}>
          {check.affected.map((agent) => (
            <li key={agent.agent_id}>
              <details>
                <summary>
                  {words.changesOf(visible(agent.name), agent.changes.length + agent.more)}
                  {agent.restart && <Mark tone="warn" word={words.restart} />}
                  {agent.reprovision && <Mark tone="busy" word={words.reprovision} />}
                </summary>
                <Changes diff={agent} label={visible(agent.name)} />
              </details>
            </li>
          ))}
        </ul>
      )}
      {hidden > 0 && <p className="muted">{words.more(hidden)}</p>}
    </>
  );
}
