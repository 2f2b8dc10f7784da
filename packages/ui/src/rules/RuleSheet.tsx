// One rule whole: its text, where it leads, its examples, and what it does on each agent.
import { Button, Loader, NativeSelect } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { FlaskConical } from 'lucide-react';
import { useState } from 'react';
import type { RuleInService } from '../api/rules.ts';
import { visible } from '../lib/visible.ts';
import { Fact, Facts } from '../parts/Facts.tsx';
import { Fault } from '../parts/Fault.tsx';
import { SeverityMark } from '../parts/SeverityMark.tsx';
import { Sheet } from '../parts/Sheet.tsx';
import { rulesText } from '../text/rules.ts';
import { text } from '../text.ts';
import { kindWord } from './columns.tsx';
import { useRulesOf } from './data.ts';
import { OnAgents } from './OnAgents.tsx';
import s from './Rules.module.css';
import { RuleText } from './RuleText.tsx';

const words = rulesText.detail;

export function RuleSheet(props: {
  rule: RuleInService | undefined;
  /** The agent the list is of. */
  agent: string | undefined;
  isOpen: boolean;
  onClose: () => void;
  mayTry: boolean;
}) {
  const { rule } = props;
  return (
    <Sheet title={words.title} isOpen={props.isOpen} onClose={props.onClose}>
      {rule ? (
        <Whole key={rule.rule_id} rule={rule} agent={props.agent} mayTry={props.mayTry} />
      ) : (
        <p className="muted">{words.gone}</p>
      )}
    </Sheet>
  );
}

function Whole(props: { rule: RuleInService; agent: string | undefined; mayTry: boolean }) {
  const { rule } = props;
  const [chosen, setChosen] = useState(props.agent);
  const as = rule.agents.find(({ agent_id }) => agent_id === chosen) ?? rule.agents[0];
  return (
    <div className={s.sheet}>
      <div>
        <SeverityMark severity={rule.severity} />
        <p className={s.title}>{visible(rule.name)}</p>
      </div>
      <Facts>
        <Fact name={words.id}>
          <code>{visible(rule.rule_id)}</code>
        </Fact>
        <Fact name={rulesText.columns.kind}>{kindWord(rule.kind)}</Fact>
      </Facts>
      <div className={s.buttons}>
        {props.mayTry && (
          <Button
            size="sm"
            leftSection={<FlaskConical size={16} aria-hidden />}
            renderRoot={(root) => (
              <Link
                to="/rules/try"
                search={{ rule: rule.rule_id, ...(as ? { agent: as.agent_id } : {}) }}
                {...root}
              />
            )}
          >
            {words.try}
          </Button>
        )}
        <Button
          size="sm"
          variant="default"
          renderRoot={(root) => <Link to="/findings" search={{ q: rule.rule_id }} {...root} />}
        >
          {words.findings}
        </Button>
      </div>
      <OnAgents rule={rule} />
      <div className={s.top}>
        <h3 className={s.heading}>{words.text}</h3>
        {rule.agents.length > 1 && (
          <NativeSelect
            size="xs"
            aria-label={words.as}
            value={as?.agent_id ?? ''}
            onChange={(event) => setChosen(event.currentTarget.value)}
            data={rule.agents.map(({ agent_id, agent_name }) => ({
              value: agent_id,
              label: visible(agent_name),
            }))}
          />
        )}
      </div>
      {as && <AsWritten ruleId={rule.rule_id} agentId={as.agent_id} agentName={as.agent_name} />}
    </div>
  );
}

function AsWritten(props: { ruleId: string; agentId: string; agentName: string }) {
  const rules = useRulesOf(props.agentId);
  const rule = rules.data?.find(({ id }) => id === props.ruleId);
  if (rules.error) return <Fault error={rules.error} onRetry={() => void rules.refetch()} />;
  if (rules.isPending) return <Loader size="sm" aria-label={text.loading} />;
  if (!rule) return <p className="muted">{words.goneHere(visible(props.agentName))}</p>;
  return <RuleText rule={rule} />;
}
