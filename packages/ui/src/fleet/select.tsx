// The column in which agents are chosen, for what is done to several at once.
import { visible } from '../lib/visible.ts';
import type { Column } from '../parts/DataList.tsx';
import { text } from '../text.ts';
import s from './Fleet.module.css';
import type { FleetRow } from './filter.ts';

/** Who is gone can be told nothing. */
export function canChoose({ agent }: FleetRow): boolean {
  return agent.status !== 'removed';
}

export function chooseColumn(
  chosen: ReadonlySet<string>,
  toggle: (agentId: string) => void,
): Column<FleetRow> {
  return {
    key: 'choose',
    header: text.fleet.choose,
    isHeaderHidden: true,
    width: '28px',
    cell: (row) => {
      const { agent_id, name } = row.agent;
      if (!canChoose(row)) return null;
      return (
        <label className={s.choose}>
          <input
            type="checkbox"
            checked={chosen.has(agent_id)}
            aria-label={text.fleet.chooseOne(visible(name))}
            onChange={() => toggle(agent_id)}
          />
        </label>
      );
    },
  };
}
