// What differs, key by key: what was set before, and what after.
import type { Differences } from '../api/configs.ts';
import { visible } from '../lib/visible.ts';
import { Breakable } from '../parts/Breakable.tsx';
import { configsText } from '../text/configs.ts';
import s from './Configs.module.css';
import { Value } from './Value.tsx';

const words = configsText.changes;

export function Changes(props: {
  diff: Differences;
  label?: string;
  /** What the two sides are called, where they are no before and after. */
  sides?: { before: string; after: string };
}) {
  const { diff, label, sides = words } = props;
  if (diff.changes.length === 0) return <p className="muted">{words.none}</p>;
  return (
    <>
      <table className={s.changes} aria-label={label ?? words.table}>
        <thead>
          <tr>
            <th scope="col">{words.place}</th>
            <th scope="col">{sides.before}</th>
            <th scope="col">{sides.after}</th>
          </tr>
        </thead>
        <tbody>
          {diff.changes.map((change, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: where a key holds a dot, two paths read alike
            <tr key={index}>
              <th scope="row">
                <code className={s.path}>
                  <Breakable text={change.path} />
                </code>
              </th>
              {(['before', 'after'] as const).map((side) => (
                <td key={side} className={s[side]} data-label={sides[side]}>
                  {side in change ? (
                    <Value value={change[side]} label={`${visible(change.path)}, ${sides[side]}`} />
                  ) : (
                    <span className="muted">{words.nothing}</span>
                  )}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {diff.more > 0 && <p className="muted">{words.more(diff.more)}</p>}
    </>
  );
}
