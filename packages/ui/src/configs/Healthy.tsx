// What the agent would fall back to: which configuration, what differs since, and the way back to it.
import { Button } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import type { DeliveryDetail, LayerHead, Where } from '../api/configs.ts';
import { useDiff } from '../data/configs.ts';
import { Fact, Facts } from '../parts/Facts.tsx';
import { Fault } from '../parts/Fault.tsx';
import { Section } from '../parts/Section.tsx';
import { configsText } from '../text/configs.ts';
import { text } from '../text.ts';
import { Changes } from './Changes.tsx';
import s from './Configs.module.css';
import { Hash } from './columns.tsx';
import { fallbackOf } from './healthy.ts';
import { Rollback } from './Rollback.tsx';

const words = configsText.healthy;

export function Healthy(props: {
  found: DeliveryDetail;
  /** The agent's own layer in force; absent while it is not known. */
  head: LayerHead | undefined;
  mayWrite: boolean;
  onDone: (said: string) => void;
}) {
  const { found, head, mayWrite, onDone } = props;
  const fallback = fallbackOf(found);
  const version = fallback.kind === 'other' ? fallback.version : null;
  const where: Where = { kind: 'agent', name: found.agent_id };
  const isOlder = head !== undefined && version !== null && version < head.version;
  const [isAsked, setAsked] = useState(false);
  return (
    <Section
      title={words.title}
      note={words.note}
      aside={
        mayWrite &&
        isOlder &&
        version > 0 && (
          <Button size="xs" variant="default" onClick={() => setAsked(true)}>
            {configsText.history.rollbackTo(version)}
          </Button>
        )
      }
    >
      {fallback.kind !== 'other' && <p className={s.note}>{words.kinds[fallback.kind]}</p>}
      {'hash' in fallback && (
        <Facts>
          <Fact name={words.hash}>
            <Hash hash={fallback.hash} />
          </Fact>
          <Fact name={words.version}>{versionWord(found.healthy_version)}</Fact>
        </Facts>
      )}
      {head !== undefined && version === head.version && (
        <p className={s.note}>
          {words.sameLayer}{' '}
          <Link
            to="/configs/agents/$agent"
            params={{ agent: found.agent_id }}
            search={{}}
            className="link"
          >
            {words.toLayers}
          </Link>
        </p>
      )}
      {isOlder && <Since where={where} from={version} to={head.version} />}
      {isOlder && version === 0 && <p className={s.note}>{words.empty}</p>}
      {head !== undefined && (
        <Rollback
          where={where}
          head={head.version}
          to={isAsked && isOlder ? { version } : undefined}
          onClose={() => setAsked(false)}
          onDone={(said) => {
            setAsked(false);
            onDone(said);
          }}
        />
      )}
    </Section>
  );
}

function versionWord(version: number | null): string | undefined {
  if (version === null) return undefined;
  return version === 0 ? configsText.unwritten : configsText.version(version);
}

/** What the agent's own layer says now that it did not say then. */
function Since({ where, from, to }: { where: Where; from: number; to: number }) {
  const diff = useDiff(where, from, to);
  return (
    <>
      <h3 className={s.heading}>{words.since}</h3>
      {diff.error && <Fault error={diff.error} onRetry={() => void diff.refetch()} />}
      {diff.isPending && !diff.error && <p className={s.note}>{text.loading}</p>}
      {diff.data && <Changes diff={diff.data} label={words.since} sides={words} />}
      <p className={s.note}>{words.onlyOwn}</p>
    </>
  );
}
