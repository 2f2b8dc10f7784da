// A rule as it is written: what it looks for, its window, its references, its examples.
import type { Rule } from '@opmas/protocol';
import { ExternalLink } from 'lucide-react';
import { visible } from '../lib/visible.ts';
import { Fact, Facts } from '../parts/Facts.tsx';
import { Raw } from '../parts/Raw.tsx';
import { rulesText } from '../text/rules.ts';
import { Examples } from './Examples.tsx';
import s from './Rules.module.css';
import { addressOf } from './references.ts';
import { windowOf } from './window.ts';

const words = rulesText.detail;

export function RuleText({ rule }: { rule: Rule }) {
  const { followed_by: second, tags = [], references = [] } = rule;
  return (
    <>
      <Facts>
        <Fact name={words.pattern}>
          <Pattern text={rule.pattern} />
        </Fact>
        <Fact name={words.where}>{rule.where && <Where where={rule.where} />}</Fact>
        <Fact name={words.second}>{second && <Pattern text={second.pattern} />}</Fact>
        <Fact name={words.where}>{second?.where && <Where where={second.where} />}</Fact>
        <Fact name={words.window}>{windowOf(rule)}</Fact>
        <Fact name={words.type}>{rule.type}</Fact>
        <Fact name={words.action}>{rule.action}</Fact>
        <Fact name={words.tags}>{tags.map(visible).join(', ')}</Fact>
        <Fact name={words.references}>
          {references.length > 0 && (
            <ul className={s.references}>
              {references.map((reference) => (
                <li key={reference}>
                  <Reference reference={reference} />
                </li>
              ))}
            </ul>
          )}
        </Fact>
      </Facts>
      <h3 className={s.heading}>{words.examples}</h3>
      <Examples rule={rule} />
      <RawJson value={rule} />
    </>
  );
}

/** Everything as JSON, folded. */
export function RawJson({ value }: { value: unknown }) {
  return (
    <details>
      <summary className={s.summary}>{words.raw}</summary>
      <Raw label={words.raw} text={JSON.stringify(value, null, 2)} />
    </details>
  );
}

function Pattern({ text }: { text: string }) {
  return text === '' ? null : <code>{visible(text)}</code>;
}

function Where({ where }: { where: Record<string, unknown> }) {
  return Object.entries(where).map(([field, wanted]) => (
    <div key={field}>
      <code>{visible(`${field}: ${JSON.stringify(wanted)}`)}</code>
    </div>
  ));
}

function Reference({ reference }: { reference: string }) {
  const address = addressOf(reference);
  if (!address) return visible(reference);
  return (
    <a className="link" href={address} target="_blank" rel="noopener noreferrer">
      {visible(reference)}{' '}
      <ExternalLink size={12} aria-label={words.newTab} className={s.external} />
    </a>
  );
}
