// Why was this found, and would it be found again? Asked for with a button: the rule runs again for it.
import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { FileSearch } from 'lucide-react';
import { useState } from 'react';
import { type Proof, rulesApi } from '../api/rules.ts';
import { keys } from '../data/keys.ts';
import { useServices } from '../data/services.ts';
import type { Tone } from '../fleet/standing.ts';
import { absolute } from '../lib/time.ts';
import { visible } from '../lib/visible.ts';
import { Digest } from '../parts/Digest.tsx';
import { Fact, Facts } from '../parts/Facts.tsx';
import { Fault } from '../parts/Fault.tsx';
import { Raw } from '../parts/Raw.tsx';
import { Mark } from '../parts/Status.tsx';
import { rulesText } from '../text/rules.ts';
import s from './Rules.module.css';

const words = rulesText.proof;

const TONES: Readonly<Record<Proof['verdict'], Tone>> = {
  same: 'good',
  not_same: 'bad',
  event_gone: 'warn',
  rule_gone: 'warn',
  not_by_rule: 'idle',
  not_decided: 'warn',
};

export function Prove({ findingId }: { findingId: string }) {
  const { api } = useServices();
  const [isAsked, setAsked] = useState(false);
  const proof = useQuery({
    queryKey: keys.proof(findingId),
    queryFn: ({ signal }) => rulesApi(api).prove(findingId, signal),
    enabled: isAsked,
    // What is kept, and in force, changes: an old proof is not shown as a new one.
    staleTime: 0,
    gcTime: 0,
    retry: false,
  });
  return (
    <section className={s.sheet} aria-labelledby="proof-title">
      <div className={s.top}>
        <h3 className={s.heading} id="proof-title">
          {words.title}
        </h3>
        <Button
          size="xs"
          variant="default"
          leftSection={<FileSearch size={14} aria-hidden />}
          loading={proof.isFetching}
          onClick={() => (isAsked ? void proof.refetch() : setAsked(true))}
        >
          {proof.data ? words.again : words.prove}
        </Button>
      </div>
      <div role="status" className={s.sheet}>
        {!proof.data && <p className="muted">{proof.isFetching ? words.running : words.note}</p>}
        {proof.data && <Proven proof={proof.data} />}
      </div>
      {proof.error && <Fault error={proof.error} />}
    </section>
  );
}

function Proven({ proof }: { proof: Proof }) {
  const { made_by: maker, rule, event } = proof;
  const recorded = event?.recorded;
  return (
    <>
      <div>
        <Mark
          tone={TONES[proof.verdict] ?? 'idle'}
          word={words.verdicts[proof.verdict] ?? proof.verdict}
        />
        <p className={s.explanation}>{visible(proof.explanation)}</p>
      </div>
      <Facts>
        <Fact name={words.agentVersion}>
          {`${maker.agent_name} ${maker.agent_version ?? words.unknown}`}
        </Fact>
        <Fact name={words.digest}>{hash(maker.package_digest)}</Fact>
        <Fact name={words.hash}>{hash(maker.config_hash)}</Fact>
        <Fact name={words.rule}>{rule?.rule_id}</Fact>
        <Fact name={words.version}>{rule && <code>{visible(rule.version)}</code>}</Fact>
        <Fact name={words.from}>
          {rule && (rule.from ? (words.froms[rule.from] ?? rule.from) : words.nowhere)}
        </Fact>
      </Facts>
      {event && (
        <>
          <h4 className={s.small}>{words.event}</h4>
          {!recorded && <p className="muted">{words.gone}</p>}
          {recorded && (
            <>
              <Raw label={words.event} text={recorded.json} />
              <Facts>
                <Fact name={words.subject}>{recorded.subject}</Fact>
                <Fact name={words.sequence}>{String(recorded.sequence)}</Fact>
                <Fact name={words.stored}>{absolute(recorded.stored_at)}</Fact>
                <Fact name={words.sha256}>
                  <Digest digest={recorded.sha256} />
                </Fact>
              </Facts>
            </>
          )}
        </>
      )}
      {rule?.document && (
        <details>
          <summary className={s.summary}>{words.document}</summary>
          <Raw label={words.document} text={JSON.stringify(rule.document, null, 2)} />
        </details>
      )}
    </>
  );
}

function hash(value: string | null) {
  return value === null ? words.unknown : <Digest digest={value} />;
}
