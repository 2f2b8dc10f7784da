// What saving a group would do to its agents: how many are told something else, and whom its layer does not fit.
import { CircleAlert, CircleCheck, LoaderCircle } from 'lucide-react';
import type { GroupVerdict } from '../api/groups.ts';
import { visible } from '../lib/visible.ts';
import { Fault } from '../parts/Fault.tsx';
import { groupsText } from '../text/groups.ts';
import type { GroupCheck } from './check.ts';
import s from './Groups.module.css';

const words = groupsText.effect;

export function Effect({ check }: { check: GroupCheck }) {
  const { answer, error, isChecking } = check;
  if (error !== null) return <Fault error={error} onRetry={check.again} />;
  const tone = answer && (answer.valid ? 'good' : 'bad');
  return (
    <div className={s.effect}>
      <p role="status" className={s.effectLine} data-tone={tone}>
        {isChecking && !answer && <LoaderCircle size={16} aria-hidden />}
        {tone === 'good' && <CircleCheck size={16} aria-hidden />}
        {tone === 'bad' && <CircleAlert size={16} aria-hidden />}
        {answer ? sentenceOf(answer) : isChecking && words.checking}
      </p>
      {answer && answer.invalid.length > 0 && <Unfit answer={answer} />}
    </div>
  );
}

function sentenceOf({ valid, counts }: GroupVerdict): string {
  if (!valid) return words.unfit(counts.invalid);
  return counts.changed === 0 ? words.none : words.changed(counts.changed);
}

function Unfit({ answer }: { answer: GroupVerdict }) {
  const more = answer.counts.invalid - answer.invalid.length;
  return (
    <>
      <ul className={s.unfit} aria-label={words.unfitList}>
        {answer.invalid.map(({ agent_id, name, errors }) => (
          <li key={agent_id}>
            <strong>{visible(name)}</strong>
            <ul>
              {errors.map(({ path, message }) => (
                <li key={`${path} ${message}`}>
                  {path !== '' && <code>{visible(path)}</code>} {visible(message)}
                </li>
              ))}
            </ul>
          </li>
        ))}
      </ul>
      {more > 0 && <p className={s.note}>{words.more(more)}</p>}
    </>
  );
}
