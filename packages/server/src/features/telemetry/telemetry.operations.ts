/** The API of what is known of an agent's health, figures and log. */
import {
  AgentHealth,
  AgentId,
  AgentLogRecord,
  LOG_LEVELS,
  MetricSeries,
  Page,
  Timestamp,
  Type,
} from '@opmas/protocol';
import { pageQuery } from '../../kernel/paging.ts';
import { type Operation, operation } from '../../operation.ts';
import { Source } from './schemas.ts';
import type { TelemetryService } from './telemetry.service.ts';

const AgentParams = Type.Object({ agent_id: AgentId });

export function telemetryOperations(telemetry: TelemetryService): Operation[] {
  return [
    operation({
      id: 'agents.health',
      summary: 'How an agent is',
      kind: 'unary',
      effect: 'read',
      permission: 'agents:read',
      scope: 'agent',
      agentOwn: 'agent_id',
      rest: { method: 'GET', path: '/agents/{agent_id}/health', tag: 'telemetry' },
      params: AgentParams,
      output: AgentHealth,
      run: ({ params }, call) => telemetry.health(call.db, params.agent_id),
    }),
    operation({
      id: 'agents.metrics',
      summary: 'Metrics of an agent over time; `step` in seconds',
      kind: 'unary',
      effect: 'read',
      permission: 'agents:read',
      scope: 'agent',
      rest: { method: 'GET', path: '/agents/{agent_id}/metrics', tag: 'telemetry' },
      params: AgentParams,
      query: Type.Object({
        name: Type.Optional(Type.String({ maxLength: 255 })),
        from: Type.Optional(Timestamp),
        to: Type.Optional(Timestamp),
        step: Type.Optional(Type.Integer({ minimum: 1, maximum: 86_400 })),
      }),
      output: MetricSeries,
      run: ({ params, query }, call) => telemetry.metrics(call.db, params.agent_id, query),
    }),
    operation({
      id: 'sources.list',
      summary:
        'Topics and hosts that agents get events from, the longest unheard first; `silent`: those that ceased',
      kind: 'unary',
      effect: 'read',
      permission: 'agents:read',
      scope: 'reach',
      rest: { method: 'GET', path: '/sources', tag: 'telemetry' },
      query: Type.Object({
        ...pageQuery,
        agent_id: Type.Optional(AgentId),
        silent: Type.Optional(Type.Boolean()),
      }),
      output: Page(Source),
      run: ({ query }, call) => telemetry.sources(call.db, query, call.reach),
    }),
    operation({
      id: 'agents.logs',
      summary: "An agent's own log, newest first",
      kind: 'unary',
      effect: 'read',
      permission: 'agents:read',
      scope: 'agent',
      rest: { method: 'GET', path: '/agents/{agent_id}/logs', tag: 'telemetry' },
      params: AgentParams,
      query: Type.Object({
        ...pageQuery,
        level: Type.Optional(Type.Enum([...LOG_LEVELS])),
        q: Type.Optional(Type.String({ minLength: 1, maxLength: 256 })),
        from: Type.Optional(Timestamp),
        to: Type.Optional(Timestamp),
      }),
      output: Page(AgentLogRecord),
      run: ({ params, query }, call) => telemetry.logs(call.db, params.agent_id, query),
    }),
  ];
}
