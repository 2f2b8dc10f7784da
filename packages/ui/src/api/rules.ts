// Rules in force, their texts, trials of rules, and the proof of a finding.
import type {
  FindingsProveResponse,
  RulesListResponse,
  RulesTestData,
  RulesTestResponse,
} from '@opmas/client';
import type { Rule, Severity } from '@opmas/protocol';
import { limits } from '../limits.ts';
import type { Api, Page } from './index.ts';

export type RuleInService = Omit<RulesListResponse['items'][number], 'severity'> & {
  severity: Severity;
};
export type TrialRequest = RulesTestData['body'];
export type Trial = RulesTestResponse;
export type Proof = FindingsProveResponse;

export interface RuleList {
  rules: RuleInService[];
  /** false: there are more than are kept here. */
  isWhole: boolean;
}

export function rulesApi({ call }: Api) {
  return {
    /** Rules in force by id, of one agent or of all; at most `limits.rulesPages` pages. */
    list: async (agentId: string | undefined, signal?: AbortSignal): Promise<RuleList> => {
      const rules: RuleInService[] = [];
      let cursor: string | null = null;
      for (let page = 0; page < limits.rulesPages; page += 1) {
        const answer: Page<RuleInService> = await call<Page<RuleInService>>({
          path: '/rules',
          query: { limit: limits.listPage, agent_id: agentId, cursor: cursor ?? undefined },
          signal,
        });
        rules.push(...answer.items);
        cursor = answer.next_cursor;
        if (cursor === null) break;
      }
      return { rules, isWhole: cursor === null };
    },

    /** What an agent runs: its rules as they are written. */
    ofAgent: async (agentId: string, signal?: AbortSignal): Promise<Rule[]> => {
      const path = `/agents/${encodeURIComponent(agentId)}/config`;
      const { config } = await call<{ config: { rules?: Rule[] } }>({ path, signal });
      return config.rules ?? [];
    },

    test: (body: TrialRequest, signal?: AbortSignal) =>
      call<Trial>({
        method: 'POST',
        path: '/rules/test',
        body,
        signal,
        timeoutMs: limits.trialRequestMs,
      }),

    prove: (findingId: string, signal?: AbortSignal) =>
      call<Proof>({
        path: `/findings/${encodeURIComponent(findingId)}/proof`,
        signal,
        timeoutMs: limits.trialRequestMs,
      }),
  };
}
