// What would change for an agent: the findings that come to it, and those it would no longer tell.
import { CircleMinus, CirclePlus } from 'lucide-react';
import type { Trial } from '../../api/rules.ts';
import { useNow } from '../../lib/clock.ts';
import { absolute, shortTime } from '../../lib/time.ts';
import { visible } from '../../lib/visible.ts';
import { rulesText } from '../../text/rules.ts';
import s from './Try.module.css';

const words = rulesText.trial;

export function Difference(props: { difference: NonNullable<Trial['difference']>; agent: string }) {
  const { gained, lost } = props.difference;
  return (
    <div className={s.difference}>
      <h3 className={s.heading}>{words.difference(props.agent)}</h3>
      {gained.count === 0 && lost.count === 0 && <p className="muted">{words.same}</p>}
      {gained.count > 0 && (
        <>
          <p className={s.gained}>
            <CirclePlus size={15} aria-hidden />
            {words.gained(gained.count)}
          </p>
          <ToldList told={gained.examples} all={gained.count} />
        </>
      )}
      {lost.count > 0 && (
        <>
          <p className={s.lost}>
            <CircleMinus size={15} aria-hidden />
            {words.lost(lost.count)}
          </p>
          <ToldList told={lost.examples} all={lost.count} />
        </>
      )}
    </div>
  );
}

/** Findings: which rule, when, on which message. */
export function ToldList({ told, all }: { told: Trial['told']; all: number }) {
  const now = useNow();
  return (
    <>
      <ul className={s.told}>
        {told.map(({ rule_id, event_id, at, message }) => (
          <li key={`${rule_id} ${event_id}`}>
            <strong>{visible(rule_id)}</strong>{' '}
            <time className="muted" dateTime={at} title={absolute(at)}>
              {shortTime(at, now)}
            </time>
            <code className={s.message}>{visible(message)}</code>
          </li>
        ))}
      </ul>
      {all > told.length && <p className="muted">{words.shownOf(told.length, all)}</p>}
    </>
  );
}
