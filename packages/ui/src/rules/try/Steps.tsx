// What became of each given event, rule by rule: pattern, conditions, window, suppression, action.
import { CircleCheck, CircleSlash } from 'lucide-react';
import type { Trial } from '../../api/rules.ts';
import { visible } from '../../lib/visible.ts';
import { limits } from '../../limits.ts';
import { Mark } from '../../parts/Status.tsx';
import { rulesText } from '../../text/rules.ts';
import { Bounded } from './Bounded.tsx';
import s from './Try.module.css';

const words = rulesText.trial;

type Explained = Trial['steps'][number];
type Way = Explained['rules'][number];

export function Steps({ trial }: { trial: Trial }) {
  const { steps, events } = trial;
  if (steps.length === 0) return null;
  return (
    <>
      <h3 className={s.heading}>{words.steps}</h3>
      {events > steps.length && <p className="muted">{words.stepsNote(steps.length)}</p>}
      <Bounded rows={steps} first={limits.trialEventsShown}>
        {(rows) => (
          <ol className={s.events}>
            {rows.map((event) => (
              <li key={event.event_id}>
                <code className={s.message}>{visible(event.message)}</code>
                {event.rules.length === 0 && <span className="muted">{words.noRule}</span>}
                {event.rules.map((way, index) => (
                  // biome-ignore lint/suspicious/noArrayIndexKey: both steps of one sequence may match
                  <RuleWay key={index} way={way} />
                ))}
              </li>
            ))}
          </ol>
        )}
      </Bounded>
    </>
  );
}

function RuleWay({ way }: { way: Way }) {
  return (
    <div className={s.way}>
      <div className={s.wayTop}>
        <strong>{visible(way.rule_id)}</strong>
        <Mark
          tone={way.told ? 'good' : 'idle'}
          word={way.told ? words.becameFinding : words.becameNothing}
        />
      </div>
      <ol className={s.steps}>
        {way.steps.map(({ step, passed, text }) => {
          const Icon = passed ? CircleCheck : CircleSlash;
          return (
            <li key={step} data-passed={passed ? '' : undefined}>
              <Icon size={14} role="img" aria-label={passed ? words.passed : words.failed} />
              <span>
                <span className={s.step}>{stepWord(step)}:</span> {visible(text)}
              </span>
            </li>
          );
        })}
      </ol>
    </div>
  );
}

/** `where.program` is the condition on the field program. */
function stepWord(step: string): string {
  if (step.startsWith('where.')) return words.where(visible(step.slice('where.'.length)));
  return step in words.step ? words.step[step as keyof typeof words.step] : visible(step);
}
