// One finding with its event and its rule, in a drawer; its address can be shared.
import { Loader } from '@mantine/core';
import type { FindingRecord } from '@opmas/protocol';
import { Link } from '@tanstack/react-router';
import { useFinding } from '../data/queries.ts';
import { absolute } from '../lib/time.ts';
import { visible } from '../lib/visible.ts';
import { Fact, Facts } from '../parts/Facts.tsx';
import { Fault } from '../parts/Fault.tsx';
import { Raw } from '../parts/Raw.tsx';
import { SeverityMark } from '../parts/SeverityMark.tsx';
import { Sheet } from '../parts/Sheet.tsx';
import { TimeAgo } from '../parts/TimeAgo.tsx';
import { Prove } from '../rules/Prove.tsx';
import { text } from '../text.ts';
import { factsOf } from './event.ts';
import s from './Findings.module.css';

const words = text.findings.detail;

export function Details(props: {
  id: string | undefined;
  known: FindingRecord | undefined;
  onClose: () => void;
}) {
  const isAsked = props.id !== undefined && !props.known;
  const fetched = useFinding(isAsked ? props.id : undefined);
  const finding = props.known ?? (isAsked ? fetched.data : undefined);
  return (
    <Sheet title={words.title} isOpen={props.id !== undefined} onClose={props.onClose}>
      {isAsked && fetched.isPending && <Loader aria-label={text.loading} />}
      {isAsked && fetched.error && (
        <Fault error={fetched.error} onRetry={() => void fetched.refetch()} />
      )}
      {finding && <Finding finding={finding} />}
    </Sheet>
  );
}

function Finding({ finding }: { finding: FindingRecord }) {
  const facts = factsOf(finding);
  return (
    <div className={s.details}>
      <div>
        <SeverityMark severity={finding.severity} />
        <p className={s.description}>{visible(finding.description)}</p>
      </div>
      <Facts>
        <Fact name={words.agent}>
          {finding.agent_name}{' '}
          <Link className="link" to="/findings" search={{ agent: finding.agent_id }}>
            {words.only}
          </Link>
        </Fact>
        <Fact name={words.type}>{finding.type}</Fact>
        <Fact name={words.state}>{text.findings.states[finding.status] ?? finding.status}</Fact>
        <Fact name={words.time}>
          {absolute(finding.timestamp)} <TimeAgo at={finding.timestamp} className="muted" />
        </Fact>
        <Fact name={words.recorded}>{absolute(finding.recorded_at)}</Fact>
        <Fact name={words.rule}>{facts.ruleId}</Fact>
        <Fact name={words.ruleVersion}>{facts.ruleVersion}</Fact>
        <Fact name={words.pattern}>{facts.pattern && <code>{visible(facts.pattern)}</code>}</Fact>
        <Fact name={words.topic}>{finding.topic}</Fact>
        <Fact name={words.id}>
          <code>{finding.finding_id}</code>
        </Fact>
      </Facts>
      <h3 className={s.heading}>{words.event}</h3>
      {facts.message === undefined && facts.host === undefined && (
        <p className="muted">{words.noEvent}</p>
      )}
      {facts.message !== undefined && <Raw label={words.event} text={facts.message} />}
      <Facts>
        <Fact name={words.host}>{facts.host}</Fact>
        <Fact name={words.source}>{facts.source}</Fact>
        <Fact name={words.program}>{facts.program}</Fact>
        <Fact name={words.eventTime}>{facts.eventTime && absolute(facts.eventTime)}</Fact>
        <Fact name={words.eventId}>{facts.eventId && <code>{visible(facts.eventId)}</code>}</Fact>
      </Facts>
      <Prove key={finding.finding_id} findingId={finding.finding_id} />
      <details>
        <summary className={s.summary}>{words.raw}</summary>
        <Raw label={words.raw} text={JSON.stringify(finding, null, 2)} />
      </details>
    </div>
  );
}
