/** The API of rules. */
import { Page } from '@opmas/protocol';
import { type Operation, operation } from '../../operation.ts';
import type { RulesService } from './rules.service.ts';
import { RuleInService, RulesQuery, TestAnswer, TestBody } from './schemas.ts';

export function rulesOperations(rules: RulesService): Operation[] {
  return [
    operation({
      id: 'rules.list',
      summary: 'Rules in force: on which agents, how often they hit, when last, and what they cost',
      kind: 'unary',
      effect: 'read',
      permission: 'configs:read',
      scope: 'reach',
      rest: { method: 'GET', path: '/rules', tag: 'rules' },
      query: RulesQuery,
      output: Page(RuleInService),
      run: ({ query }, call) => rules.list(call.db, query, call.reach),
    }),
    operation({
      id: 'rules.test',
      summary:
        'Try rules on given or recorded events: findings, cost, and the difference to what an agent runs',
      kind: 'unary',
      effect: 'read',
      // Events of every device may be in the answer, as in the messages of findings.
      permission: 'configs:write',
      rest: { method: 'POST', path: '/rules/test', tag: 'rules' },
      body: TestBody,
      output: TestAnswer,
      run: ({ body }, call) => rules.test(call.db, body),
    }),
  ];
}
