/** The API of configurations. */
import { AgentId, type ConfigLayer, JsonObject, Page, Timestamp, Type } from '@opmas/protocol';
import { decodeCursor, pageLimit, pageQuery, toPage } from '../../kernel/paging.ts';
import { type Operation, operation } from '../../operation.ts';
import type { AgentsService } from '../agents/index.ts';
import type { ConfigAnswer as Answer, ConfigsService } from './configs.service.ts';

const AgentParams = Type.Object({ agent_id: AgentId });

const ConfigAnswer = Type.Object({
  agent_id: Type.String(),
  version: Type.Integer(),
  hash: Type.String(),
  config: JsonObject,
  origins: Type.Optional(Type.Record(Type.String(), Type.String())),
});

const ConfigVersion = Type.Object({
  version: Type.Integer(),
  config: JsonObject,
  reason: Type.Union([Type.String(), Type.Null()]),
  author: Type.String(),
  created_at: Timestamp,
});

export function configsOperations(options: {
  configs: ConfigsService;
  agents: AgentsService;
  /** Tells the running instances, after the commit. */
  pushConfig: (agentName: string, answer: Answer) => void;
}): Operation[] {
  const { configs, agents, pushConfig } = options;
  return [
    operation({
      id: 'configs.get',
      summary: 'The effective configuration of an agent',
      kind: 'unary',
      effect: 'read',
      permission: 'configs:read',
      agentOwn: 'agent_id',
      rest: { method: 'GET', path: '/agents/{agent_id}/config', etag: true, tag: 'configs' },
      params: AgentParams,
      query: Type.Object({
        origins: Type.Optional(Type.Boolean()),
        layer: Type.Optional(Type.Enum(['database'])),
      }),
      output: ConfigAnswer,
      run: ({ params, query }, call) => configs.effective(call.db, params.agent_id, query),
    }),
    operation({
      id: 'configs.put',
      summary: 'Replace the database layer of an agent',
      kind: 'unary',
      effect: 'write',
      permission: 'configs:write',
      rest: { method: 'PUT', path: '/agents/{agent_id}/config', etag: true, tag: 'configs' },
      params: AgentParams,
      query: Type.Object({ reason: Type.Optional(Type.String({ maxLength: 1_024 })) }),
      body: JsonObject,
      output: ConfigAnswer,
      run: async ({ params, query, body, ifMatch }, call) => {
        const answer = await configs.replace(call.db, params.agent_id, {
          document: body as ConfigLayer,
          author: call.caller.name,
          ...(query.reason === undefined ? {} : { reason: query.reason }),
          ...(ifMatch === undefined ? {} : { ifMatch }),
        });
        const { name } = await agents.get(call.db, params.agent_id);
        call.audit({ object: params.agent_id, details: { version: answer.version } });
        call.afterCommit(() => pushConfig(name, answer));
        return answer;
      },
    }),
    operation({
      id: 'configs.history',
      summary: 'Versions of the database layer, newest first',
      kind: 'unary',
      effect: 'read',
      permission: 'configs:read',
      rest: { method: 'GET', path: '/agents/{agent_id}/config/history', tag: 'configs' },
      params: AgentParams,
      query: Type.Object({ ...pageQuery }),
      output: Page(ConfigVersion),
      run: async ({ params, query }, call) => {
        const limit = pageLimit(query);
        const before =
          query.cursor === undefined ? undefined : Number(decodeCursor(query.cursor, 1)[0]);
        const rows = await configs.history(call.db, params.agent_id, limit + 1, before);
        return toPage(
          rows,
          limit,
          (row) => ({
            version: row.version,
            config: row.document,
            reason: row.reason,
            author: row.author,
            created_at: row.created_at.toISOString(),
          }),
          (row) => [String(row.version)],
        );
      },
    }),
  ];
}
