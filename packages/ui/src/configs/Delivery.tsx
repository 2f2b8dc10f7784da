// What became of telling one agent: what it shall run, what each instance runs, what is wrong, and another try.
import { Button, Loader } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { useEffect } from 'react';
import type { ConfigFault, DeliveryDetail, LayerHead } from '../api/configs.ts';
import { ApiError } from '../api/http.ts';
import { useChange } from '../data/access.ts';
import { useConfigs, useDelivery } from '../data/configs.ts';
import { keys } from '../data/keys.ts';
import { visible } from '../lib/visible.ts';
import { Fact, Facts } from '../parts/Facts.tsx';
import { Fault } from '../parts/Fault.tsx';
import { Section } from '../parts/Section.tsx';
import { TimeAgo } from '../parts/TimeAgo.tsx';
import { configsText } from '../text/configs.ts';
import { text } from '../text.ts';
import s from './Configs.module.css';
import { DeliveryMark, Hash } from './columns.tsx';
import { Healthy } from './Healthy.tsx';

const words = configsText.delivery;

export function Delivery(props: {
  agentId: string;
  /** The agent's own layer in force. */
  head: LayerHead | undefined;
  mayWrite: boolean;
  onDone: (said: string) => void;
}) {
  const { agentId, head, mayWrite, onDone } = props;
  const delivery = useDelivery(agentId);
  const configs = useConfigs();
  const retry = useChange(configs.retry, [keys.configs], () => onDone(words.retried));
  const found = delivery.data;
  const queries = useQueryClient();
  const desired = found?.desired_hash;
  useEffect(() => {
    if (desired === undefined) return;
    // The layer in force may be another one than the screen began with.
    void queries.invalidateQueries({ queryKey: keys.layer({ kind: 'agent', name: agentId }) });
  }, [queries, agentId, desired]);
  if (isNotYet(delivery.error)) return <p className="muted">{words.none}</p>;
  if (!found && delivery.error) {
    return <Fault error={delivery.error} onRetry={() => void delivery.refetch()} />;
  }
  if (!found) return <Loader aria-label={text.loading} mx="auto" my="xl" />;
  const mayRetry = mayWrite && (found.state === 'rejected' || found.state === 'expired');
  return (
    <>
      {delivery.error && <Fault error={delivery.error} onRetry={() => void delivery.refetch()} />}
      {retry.error && <Fault error={retry.error} />}
      <Section
        title={words.title}
        aside={
          mayRetry && (
            <Button
              size="xs"
              variant="default"
              loading={retry.isPending}
              onClick={() => retry.mutate(agentId)}
            >
              {words.retry}
            </Button>
          )
        }
      >
        <Standing found={found} />
        <FaultList title={words.faults} faults={found.errors} />
      </Section>
      <Healthy found={found} head={head} mayWrite={mayWrite} onDone={onDone} />
      <Instances found={found} />
      {found.left_behind.length > 0 && (
        <Section title={words.leftBehind}>
          <ul className={s.plain}>
            {found.left_behind.map(({ topic, unread }) => (
              <li key={topic}>
                <code>{visible(topic)}</code> {words.unread(unread)}
              </li>
            ))}
          </ul>
        </Section>
      )}
      {found.failed.length > 0 && (
        <Section title={words.failed} note={words.failedNote}>
          <ul className={s.plain}>
            {found.failed.map(({ hash, errors, failed_at: at }) => (
              <li key={hash} className={s.failed}>
                <span className={s.state}>
                  <Hash hash={hash} /> <TimeAgo at={at} className="muted" />
                </span>
                <FaultList faults={errors} />
              </li>
            ))}
          </ul>
        </Section>
      )}
    </>
  );
}

function Standing({ found }: { found: DeliveryDetail }) {
  const isApplied = found.state === 'applied';
  return (
    <Facts>
      <Fact name={words.columns.state}>
        <DeliveryMark state={found.state} />
      </Fact>
      <Fact name={words.reason}>{found.reason}</Fact>
      <Fact name={words.shall}>
        <Hash hash={found.desired_hash} />
      </Fact>
      {/* What the agent fell back to, or never left: its last one that works. */}
      <Fact name={isApplied ? words.runs : words.goesOn}>
        <Hash hash={found.running_hash} />
      </Fact>
      <Fact name={words.since}>
        <TimeAgo at={found.since} />
      </Fact>
      <Moment name={words.offered} at={found.offered_at} />
      {found.state === 'pending' && <Moment name={words.deadline} at={found.deadline} />}
      <Moment name={words.settled} at={found.settled_at} />
      <Fact name={words.attempts}>{String(found.attempts)}</Fact>
    </Facts>
  );
}

function Moment({ name, at }: { name: string; at: string | null }) {
  return <Fact name={name}>{at === null ? null : <TimeAgo at={at} />}</Fact>;
}

function Instances({ found }: { found: DeliveryDetail }) {
  return (
    <Section title={words.instances}>
      {found.instances.length === 0 && <p className={s.note}>{words.noInstances}</p>}
      {found.instances.length > 0 && (
        <ul className={s.plain} aria-label={words.instanceTable}>
          {found.instances.map((each) => (
            <li key={each.instance_id} className={s.failed}>
              <Facts>
                <Fact name={words.instance}>
                  <code>{visible(each.instance_id)}</code>
                </Fact>
                <Fact name={words.runs}>
                  <Hash hash={each.running_hash} />
                </Fact>
                {each.attempted_hash !== null && each.errors.length > 0 && (
                  <Fact name={words.attempted}>
                    <Hash hash={each.attempted_hash} />
                  </Fact>
                )}
                <Fact name={words.lastHealthy}>
                  {each.healthy_hash !== null && <Hash hash={each.healthy_hash} />}
                </Fact>
                <Fact name={words.heard}>
                  <TimeAgo at={each.last_heard} />
                </Fact>
              </Facts>
              <FaultList faults={each.errors} />
            </li>
          ))}
        </ul>
      )}
    </Section>
  );
}

function FaultList({ title, faults }: { title?: string; faults: readonly ConfigFault[] }) {
  if (faults.length === 0) return null;
  return (
    <>
      {title && <h3 className={s.heading}>{title}</h3>}
      <ul className={s.faults}>
        {faults.map(({ path, message }) => (
          <li key={`${path} ${message}`}>
            {path !== '' && <code>{visible(path)}</code>} {visible(message)}
          </li>
        ))}
      </ul>
    </>
  );
}

/** Before the first delivery there is none, which is no fault. */
function isNotYet(error: unknown): boolean {
  return error instanceof ApiError && error.code === 'OPMAS_NOT_FOUND';
}
