// One entry of the audit log, with what it changed.
import type { AuditRecord } from '@opmas/protocol';
import { absolute } from '../lib/time.ts';
import { visible } from '../lib/visible.ts';
import { limits } from '../limits.ts';
import { Fact, Facts } from '../parts/Facts.tsx';
import { Raw } from '../parts/Raw.tsx';
import { Sheet } from '../parts/Sheet.tsx';
import { auditText } from '../text/audit.ts';
import s from './Audit.module.css';
import { changesOf } from './changes.ts';
import { Actor, OutcomeMark } from './columns.tsx';

const names = auditText.columns;
const words = auditText.detail;

export function Entry(props: {
  entry: AuditRecord | undefined;
  isOpen: boolean;
  onClose: () => void;
}) {
  return (
    <Sheet title={words.title} isOpen={props.isOpen} onClose={props.onClose}>
      {props.entry ? <Whole entry={props.entry} /> : <p className="muted">{words.gone}</p>}
    </Sheet>
  );
}

function Whole({ entry }: { entry: AuditRecord }) {
  const hasDetails = Object.keys(entry.details).length > 0;
  return (
    <div className={s.details}>
      <Facts>
        <Fact name={names.outcome}>
          <OutcomeMark outcome={entry.outcome} />
        </Fact>
        <Fact name={names.time}>{absolute(entry.time)}</Fact>
        <Fact name={names.action}>
          <code>{visible(entry.action)}</code>
        </Fact>
        <Fact name={names.object}>{entry.object}</Fact>
        <Fact name={names.actor}>
          <Actor entry={entry} />
        </Fact>
        <Fact name={words.kind}>{entry.actor_kind}</Fact>
        <Fact name={words.actorId}>{entry.actor_id}</Fact>
        <Fact name={names.remote}>{entry.remote}</Fact>
        <Fact name={words.program}>{entry.user_agent}</Fact>
        <Fact name={words.request}>{entry.request_id}</Fact>
        <Fact name={words.id}>{String(entry.audit_id)}</Fact>
      </Facts>
      <Changed entry={entry} />
      {hasDetails && (
        <>
          <h3 className={s.heading}>{words.details}</h3>
          <Raw label={words.details} text={JSON.stringify(entry.details, null, 2)} />
        </>
      )}
    </div>
  );
}

function Changed({ entry }: { entry: AuditRecord }) {
  const { rows, hidden } = changesOf(entry.before, entry.after, limits.changesShown);
  if (rows.length === 0) return null;
  return (
    <>
      <h3 className={s.heading}>{words.changes}</h3>
      <table className={s.changes}>
        <thead>
          <tr>
            <th scope="col">{words.place}</th>
            <th scope="col">{words.before}</th>
            <th scope="col">{words.after}</th>
          </tr>
        </thead>
        <tbody>
          {rows.map(({ path, before, after }) => (
            <tr key={path}>
              <td>{visible(path)}</td>
              <td className={s.old}>{value(before)}</td>
              <td className={s.new}>{value(after)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {hidden > 0 && <p className="muted">{words.hidden(hidden)}</p>}
    </>
  );
}

function value(json: string | undefined) {
  return json === undefined ? words.nothing : <code>{visible(json)}</code>;
}
