/** The API of findings. */
import {
  AgentId,
  FINDING_STATUSES,
  FindingRecord,
  Page,
  SEVERITIES,
  Timestamp,
  Type,
} from '@opmas/protocol';
import { pageQuery } from '../../kernel/paging.ts';
import { type Operation, operation } from '../../operation.ts';
import type { FindingsService } from './findings.service.ts';
import { Proof } from './proof.schemas.ts';

export function findingsOperations(findings: FindingsService): Operation[] {
  return [
    operation({
      id: 'findings.list',
      summary: 'Findings, newest first',
      kind: 'unary',
      effect: 'read',
      permission: 'findings:read',
      scope: 'reach',
      agentOwn: 'reach',
      rest: { method: 'GET', path: '/findings', tag: 'findings' },
      query: Type.Object({
        ...pageQuery,
        agent_id: Type.Optional(AgentId),
        type: Type.Optional(Type.String({ maxLength: 128 })),
        severity: Type.Optional(Type.Enum([...SEVERITIES])),
        status: Type.Optional(Type.Enum([...FINDING_STATUSES])),
        from: Type.Optional(Timestamp),
        to: Type.Optional(Timestamp),
        q: Type.Optional(Type.String({ minLength: 1, maxLength: 256 })),
      }),
      output: Page(FindingRecord),
      run: ({ query }, call) => findings.list(call.db, query, call.reach),
    }),
    operation({
      id: 'findings.get',
      summary: 'One finding',
      kind: 'unary',
      effect: 'read',
      permission: 'findings:read',
      scope: 'reach',
      agentOwn: 'reach',
      rest: { method: 'GET', path: '/findings/{finding_id}', tag: 'findings' },
      params: Type.Object({ finding_id: Type.String({ minLength: 1, maxLength: 128 }) }),
      output: FindingRecord,
      run: ({ params }, call) => findings.find(call.db, params.finding_id, call.reach),
    }),
    operation({
      id: 'findings.prove',
      summary:
        'What made a finding, its event as recorded, and whether the rule tells the same again',
      kind: 'unary',
      effect: 'read',
      permission: 'findings:read',
      scope: 'reach',
      rest: { method: 'GET', path: '/findings/{finding_id}/proof', tag: 'findings' },
      params: Type.Object({ finding_id: Type.String({ minLength: 1, maxLength: 128 }) }),
      output: Proof,
      run: ({ params }, call) => findings.prove(call.db, params.finding_id, call.reach),
    }),
  ];
}
