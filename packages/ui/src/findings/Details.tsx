// One finding with its event and its rule, in a drawer; its address can be shared.
import { Drawer, Loader } from '@mantine/core';
import type { FindingRecord } from '@opmas/protocol';
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { useFinding } from '../data/queries.ts';
import { absolute } from '../lib/time.ts';
import { visible } from '../lib/visible.ts';
import { Fault } from '../parts/Fault.tsx';
import { SeverityMark } from '../parts/SeverityMark.tsx';
import { TimeAgo } from '../parts/TimeAgo.tsx';
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
    <Drawer.Root
      opened={props.id !== undefined}
      onClose={props.onClose}
      position="right"
      size="lg"
      classNames={{ content: s.drawer ?? '' }}
    >
      <Drawer.Overlay />
      <Drawer.Content>
        {/* Drawer.Header is a second banner to a screen reader; this is not one. */}
        <div className={s.drawerTop}>
          <Drawer.Title className={s.drawerTitle ?? ''}>{words.title}</Drawer.Title>
          <Drawer.CloseButton aria-label={text.close} />
        </div>
        <Drawer.Body>
          {isAsked && fetched.isPending && <Loader aria-label={text.loading} />}
          {isAsked && fetched.error && (
            <Fault error={fetched.error} onRetry={() => void fetched.refetch()} />
          )}
          {finding && <Facts finding={finding} />}
        </Drawer.Body>
      </Drawer.Content>
    </Drawer.Root>
  );
}

function Facts({ finding }: { finding: FindingRecord }) {
  const facts = factsOf(finding);
  return (
    <div className={s.details}>
      <div>
        <SeverityMark severity={finding.severity} />
        <p className={s.description}>{visible(finding.description)}</p>
      </div>
      <dl className={s.facts}>
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
      </dl>
      <h3 className={s.heading}>{words.event}</h3>
      {facts.message === undefined && facts.host === undefined && (
        <p className="muted">{words.noEvent}</p>
      )}
      {facts.message !== undefined && <pre className={s.raw}>{visible(facts.message)}</pre>}
      <dl className={s.facts}>
        <Fact name={words.host}>{facts.host}</Fact>
        <Fact name={words.source}>{facts.source}</Fact>
        <Fact name={words.program}>{facts.program}</Fact>
        <Fact name={words.eventTime}>{facts.eventTime && absolute(facts.eventTime)}</Fact>
        <Fact name={words.eventId}>{facts.eventId && <code>{visible(facts.eventId)}</code>}</Fact>
      </dl>
      <details>
        <summary className={s.summary}>{words.raw}</summary>
        {/* Focusable, because it scrolls. */}
        {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
        <pre className={s.raw} tabIndex={0} aria-label={words.raw}>
          {visible(JSON.stringify(finding, null, 2))}
        </pre>
      </details>
    </div>
  );
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  if (children === undefined || children === '') return null;
  return (
    <>
      <dt>{name}</dt>
      <dd>{typeof children === 'string' ? visible(children) : children}</dd>
    </>
  );
}
