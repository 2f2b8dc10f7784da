// The lines and stories a rule must tell, and those it must not.
import type { ExampleMoment, Rule, RuleExample } from '@opmas/protocol';
import { visible } from '../lib/visible.ts';
import { rulesText } from '../text/rules.ts';
import s from './Rules.module.css';
import { span } from './units.ts';

const words = rulesText.detail;

export function Examples({ rule }: { rule: Rule }) {
  const { match = [], no_match: noMatch = [] } = rule.examples ?? {};
  if (match.length === 0 && noMatch.length === 0) return <p className="muted">{words.none}</p>;
  return (
    <>
      <List name={words.match} examples={match} />
      <List name={words.noMatch} examples={noMatch} />
    </>
  );
}

function List({ name, examples }: { name: string; examples: readonly RuleExample[] }) {
  if (examples.length === 0) return null;
  return (
    <div>
      <h4 className={s.small}>{name}</h4>
      <ul className={s.examples}>
        {examples.map((example, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: the same example may stand there twice
          <li key={index}>{typeof example === 'string' ? line(example) : story(example)}</li>
        ))}
      </ul>
    </div>
  );
}

function line(message: string) {
  return <code className={s.line}>{visible(message)}</code>;
}

function story(moments: readonly ExampleMoment[]) {
  return (
    <ol className={s.story}>
      {moments.map((moment, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a story tells the same more than once
        <li key={index}>{typeof moment === 'string' ? line(moment) : momentOf(moment)}</li>
      ))}
    </ol>
  );
}

function momentOf(moment: Exclude<ExampleMoment, string>) {
  const { message, after_seconds: after, times, ...event } = moment;
  const when = [
    ...(times === undefined ? [] : [words.times(times)]),
    ...(after === undefined ? [] : [words.after(span(after))]),
    ...(message === undefined ? [words.passes] : []),
  ].join(', ');
  return (
    <>
      {when && <span className="muted">{when} </span>}
      {message !== undefined && line(message)}
      {Object.keys(event).length > 0 && (
        <code className={s.fields}>{visible(JSON.stringify(event))}</code>
      )}
    </>
  );
}
