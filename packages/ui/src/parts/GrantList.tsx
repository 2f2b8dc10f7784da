// Grants as people read them: what, and for which agents.
import type { Grant } from '../api/resources.ts';
import { selectorParts } from '../lib/grants.ts';
import { visible } from '../lib/visible.ts';
import { text } from '../text.ts';
import s from './GrantList.module.css';

export function GrantList({ grants }: { grants: readonly Grant[] }) {
  if (grants.length === 0) return <span className="muted">{text.grants.none}</span>;
  return (
    <ul className={s.grants}>
      {grants.map((grant) => (
        <li key={JSON.stringify(grant)} className={s.grant}>
          <code className={s.permission}>{visible(grant.permission)}</code>
          {grant.permission === '*' && <span className="muted">{text.grants.everything}</span>}
          {selectorParts(grant).map(({ kind, of }) => (
            <span key={`${kind} ${of}`} className={s.limit}>
              {text.grants.limit[kind]} {visible(of)}
            </span>
          ))}
        </li>
      ))}
    </ul>
  );
}
