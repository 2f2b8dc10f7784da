// Sessions of a person: which program, from where, when; the latest used first.
import { Button } from '@mantine/core';
import type { SessionRow } from '../api/resources.ts';
import { programOf } from '../lib/program.ts';
import { visible } from '../lib/visible.ts';
import { accountText } from '../text/account.ts';
import s from './SessionList.module.css';
import { Mark } from './Status.tsx';
import { TimeAgo } from './TimeAgo.tsx';

const words = accountText.sessions;

export function SessionList(props: {
  rows: readonly SessionRow[];
  /** Absent: they can only be looked at. */
  onEnd?: (row: SessionRow) => void;
  /** Id of the one that is being ended. */
  ending?: string | undefined;
}) {
  const rows = props.rows.toSorted((a, b) => b.last_used_at.localeCompare(a.last_used_at));
  return (
    <ul className={s.list} aria-label={words.table}>
      {rows.map((row) => {
        const program = row.user_agent ? programOf(row.user_agent) : words.unknown;
        return (
          <li key={row.session_id} className={s.row}>
            <div className={s.what}>
              <span className={s.name} title={row.user_agent ? visible(row.user_agent) : undefined}>
                {visible(program)}
              </span>
              {row.current && <Mark tone="good" word={words.current} />}
              <span className={s.facts}>
                {row.remote !== null && `${visible(row.remote)} · `}
                {words.columns.used} <TimeAgo at={row.last_used_at} /> · {words.columns.began}{' '}
                <TimeAgo at={row.created_at} />
              </span>
            </div>
            {props.onEnd && !row.current && (
              <Button
                variant="default"
                size="xs"
                loading={props.ending === row.session_id}
                aria-label={words.endOf(visible(program))}
                onClick={() => props.onEnd?.(row)}
              >
                {words.end}
              </Button>
            )}
          </li>
        );
      })}
    </ul>
  );
}
