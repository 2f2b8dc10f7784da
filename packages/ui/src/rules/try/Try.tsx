// Tries rules before they are published: on lines given here, or on what was recorded.
import { useMutation } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { type RefObject, useEffect, useMemo, useRef, useState } from 'react';
import { rulesApi, type Trial, type TrialRequest } from '../../api/rules.ts';
import { useMay } from '../../data/me.ts';
import { useAgents } from '../../data/queries.ts';
import { useServices } from '../../data/services.ts';
import { readObjectOrList } from '../../lib/json-text.ts';
import { visible } from '../../lib/visible.ts';
import { Back } from '../../parts/Back.tsx';
import { Page } from '../../parts/Page.tsx';
import { Section } from '../../parts/Section.tsx';
import { rulesText } from '../../text/rules.ts';
import { useRulesOf } from '../data.ts';
import { useDraft } from './draft.ts';
import { faultLines } from './fault-lines.ts';
import { amongOthers, readTrial, type TrialFaults } from './input.ts';
import { TrialForm } from './TrialForm.tsx';
import { TrialResult } from './TrialResult.tsx';
import s from './Try.module.css';

const words = rulesText.trial;
const NONE: ReadonlySet<number> = new Set();
const route = getRouteApi('/app/rules/try');

export function Try() {
  const mayTry = useMay('configs:write');
  return (
    <Page title={words.title} aside={<Back to="/rules" label={words.back} />}>
      {mayTry ? <Bench /> : <p className="muted">{words.forbidden}</p>}
    </Page>
  );
}

function Bench() {
  const { api } = useServices();
  const rules = rulesApi(api);
  const [draft, change] = useDraft();
  const [faults, setFaults] = useState<TrialFaults>({});
  const result = useRef<HTMLDivElement>(null);
  useBegin(change);
  const trial = useMutation({
    mutationFn: async ({ body, among }: { body: TrialRequest; among: boolean; text: string }) => {
      const { agent_id: agentId } = body;
      const isAmong = among && agentId !== undefined;
      const sent = isAmong ? amongOthers(await rules.ofAgent(agentId), body.rules) : body.rules;
      return { result: await rules.test({ ...body, rules: sent }), sent };
    },
    onSuccess: () => showBegin(result),
  });
  const take = useMutation({
    mutationFn: ({ agentId }: { agentId: string; text: string }) => rules.ofAgent(agentId),
    onSuccess: (taken, { agentId, text }) =>
      change((before) => {
        const { agent, rules: typed } = before.input;
        // Another agent was chosen, or something typed, while they were on their way.
        if (agent !== agentId || typed !== text) return before;
        return { ...before, input: { ...before.input, rules: JSON.stringify(taken, null, 2) } };
      }),
  });
  const { input } = draft;
  const reading = useMemo(
    () => (input.rules.trim() === '' ? undefined : readObjectOrList(input.rules)),
    [input.rules],
  );
  const { data, variables } = trial;
  const marked = useMemo(() => {
    // Of a text that was changed since, nothing is known.
    if (!reading || !data || !variables || variables.text !== input.rules) return NONE;
    const { errors, failed_examples: examples } = data.result;
    const paths = [...errors, ...examples].map(({ path }) => path);
    return faultLines(reading, variables.body.rules, data.sent, paths);
  }, [reading, data, variables, input.rules]);
  return (
    <>
      <p className={s.intro}>{words.intro}</p>
      <div className={s.bench}>
        <TrialForm
          input={input}
          reading={reading}
          marked={marked}
          faults={faults}
          error={trial.error ?? take.error}
          isPending={trial.isPending}
          onTake={() => take.mutate({ agentId: input.agent, text: input.rules })}
          isTaking={take.isPending}
          onChange={(next) => {
            setFaults({});
            change((before) => ({ ...before, input: { ...before.input, ...next } }));
          }}
          onSubmit={() => {
            const read = readTrial(input);
            setFaults(read.ok ? {} : read.faults);
            take.reset();
            // What is typed now has no result; an older one would be taken for it.
            if (!read.ok) trial.reset();
            else trial.mutate({ body: read.body, among: input.among, text: input.rules });
          }}
        />
        <div role="status" className={s.result} ref={result}>
          {trial.isPending && <p className="muted">{words.running}</p>}
          {trial.data && !trial.isPending && <Shown trial={trial.data.result} />}
        </div>
      </div>
    </>
  );
}

function Shown({ trial }: { trial: Trial }) {
  const agents = useAgents();
  const id = trial.difference?.agent_id;
  const agent = agents.data?.find(({ agent_id }) => agent_id === id)?.name ?? id ?? '';
  return (
    <Section title={words.result}>
      <TrialResult trial={trial} agent={visible(agent)} />
    </Section>
  );
}

/** On a narrow page the result is below the form, where nobody would see it come. */
function showBegin({ current }: RefObject<HTMLElement | null>): void {
  if (current && current.getBoundingClientRect().top > window.innerHeight) {
    current.scrollIntoView({ block: 'start' });
  }
}

/** Takes over the rule that the address names, once. */
function useBegin(change: ReturnType<typeof useDraft>[1]): void {
  const { agent, rule: ruleId } = route.useSearch();
  const rules = useRulesOf(agent);
  const rule = rules.data?.find(({ id }) => id === ruleId);
  useEffect(() => {
    if (!agent) return;
    const name = `${agent} ${ruleId ?? ''}`;
    if (ruleId && !rule) return;
    change((before) => {
      if (before.begunWith === name) return before;
      const begun = rule ? { rules: JSON.stringify([rule], null, 2), among: true } : {};
      return { begunWith: name, input: { ...before.input, ...begun, agent } };
    });
  }, [agent, ruleId, rule, change]);
}
