// What is wrong with the text, each fault with its place, or what publishing it would do; told while one types.
import { CircleAlert, CircleCheck, LoaderCircle } from 'lucide-react';
import { visible } from '../lib/visible.ts';
import { ToLine } from '../parts/CodeField.tsx';
import { Fault } from '../parts/Fault.tsx';
import { configsText } from '../text/configs.ts';
import { jsonText } from '../text/json.ts';
import { blastSum } from './Blast.tsx';
import s from './Configs.module.css';
import type { Check } from './check.ts';

const words = configsText.edit;

export function Verdict(props: {
  check: Check;
  isChanged: boolean;
  /** Said when there is nothing to judge; absent: that nothing is changed. */
  same?: string;
  onLine: (line: number) => void;
}) {
  const { check, isChanged, same = words.same, onLine } = props;
  const { reading, answer, faults, error } = check;
  const toLine = (line: number | undefined) =>
    line !== undefined && <ToLine line={line} onLine={onLine} />;
  return (
    <div className={s.verdict}>
      <p className={s.verdictLine} role="status" data-tone={toneOf(check, isChanged)}>
        <Icon check={check} isChanged={isChanged} />
        {isChanged || !reading.ok ? sentenceOf(check) : same}
      </p>
      {!reading.ok && toLine(reading.line)}
      {reading.ok && error !== null && <Fault error={error} onRetry={check.again} />}
      {reading.ok && !answer?.valid && faults.length > 0 && (
        <ul className={s.faults}>
          {faults.map((fault) => (
            <li key={`${fault.path} ${fault.message}`}>
              {toLine(fault.line)}
              {fault.path !== '' && <code>{visible(fault.path)}</code>} {visible(fault.message)}
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

function sentenceOf({ reading, answer, faults, isChecking }: Check): string {
  if (!reading.ok) return jsonText.broken(reading.line, reading.column, reading.message);
  if (isChecking) return words.checking;
  if (answer?.valid) return `${words.valid} ${blastSum(answer)}`;
  return answer ? words.faults(faults.length) : '';
}

function toneOf({ reading, answer }: Check, isChanged: boolean): string | undefined {
  if (!reading.ok || answer?.valid === false) return 'bad';
  return isChanged && answer?.valid ? 'good' : undefined;
}

function Icon({ check, isChanged }: { check: Check; isChanged: boolean }) {
  const tone = toneOf(check, isChanged);
  if (tone === 'bad') return <CircleAlert size={16} aria-hidden />;
  if (tone === 'good') return <CircleCheck size={16} aria-hidden />;
  return isChanged ? <LoaderCircle size={16} aria-hidden /> : null;
}
