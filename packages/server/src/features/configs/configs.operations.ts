/** The API of configurations: of one agent, of the fleet, and of an environment. */
import { AgentId, type ConfigLayer, JsonObject, Type } from '@opmas/protocol';
import { type Call, type Operation, operation } from '../../operation.ts';
import type { ConfigAnswer, ConfigChange } from './config.ts';
import type { ConfigsService } from './configs.service.ts';
import { draftsOperations } from './drafts.operations.ts';
import { groupsOperations } from './groups.operations.ts';
import type { GroupsService } from './groups.service.ts';
import { layerOperations, lookingOperations, writeOf } from './layers.operations.ts';
import { wholeSchema } from './package-schema.ts';
import { runtimeOperations } from './runtime.operations.ts';
import { ENVIRONMENTS, Reason, RollbackBody } from './schemas.ts';
import { agentScope, environmentScope, FLEET } from './scopes.ts';

const AgentParams = Type.Object({ agent_id: AgentId });

const Answer = Type.Object({
  agent_id: Type.String(),
  version: Type.Integer(),
  hash: Type.String(),
  config: JsonObject,
  origins: Type.Optional(Type.Record(Type.String(), Type.String())),
  layers: Type.Optional(
    Type.Record(
      Type.String(),
      Type.Object({
        version: Type.Integer(),
        author: Type.String(),
        reason: Type.Union([Type.String(), Type.Null()]),
        created_at: Type.String(),
        pinned: Type.Boolean(),
      }),
    ),
  ),
});

export function configsOperations(options: {
  configs: ConfigsService;
  groups: GroupsService;
  /** Tells whoever brings configurations to agents. */
  pushConfig: () => void;
}): Operation[] {
  const { configs, pushConfig } = options;

  async function announce(
    agentId: string,
    { layer, before, after, secretsSet }: ConfigChange,
    call: Call,
    details: Record<string, unknown> = {},
  ): Promise<ConfigAnswer> {
    const set = secretsSet.length === 0 ? {} : { newly_set: secretsSet };
    call.audit({
      object: agentId,
      details: { ...details, version: layer.version, ...set },
      before,
      after,
    });
    call.afterCommit(pushConfig);
    return configs.effective(call.db, agentId);
  }

  return [
    operation({
      id: 'configs.get',
      summary: 'The effective configuration of an agent',
      kind: 'unary',
      effect: 'read',
      permission: 'configs:read',
      scope: 'agent',
      agentOwn: 'agent_id',
      rest: { method: 'GET', path: '/agents/{agent_id}/config', etag: true, tag: 'configs' },
      params: AgentParams,
      query: Type.Object({
        origins: Type.Optional(Type.Boolean()),
        layer: Type.Optional(Type.Enum(['database'])),
      }),
      output: Answer,
      run: ({ params, query }, call) =>
        configs.effective(call.db, params.agent_id, query, {
          asAgent: call.caller.kind === 'agent' && call.caller.id === params.agent_id,
        }),
    }),
    operation({
      id: 'configs.put',
      summary: 'Replace the database layer of an agent',
      kind: 'unary',
      effect: 'write',
      permission: 'configs:write',
      scope: 'agent',
      rest: { method: 'PUT', path: '/agents/{agent_id}/config', etag: true, tag: 'configs' },
      params: AgentParams,
      query: Type.Object({ reason: Reason }),
      body: JsonObject,
      output: Answer,
      run: async ({ params, query, body, ifMatch }, call) => {
        const change = await configs.replace(call.db, agentScope(params.agent_id), {
          document: body as ConfigLayer,
          ...writeOf(call, query, ifMatch),
        });
        return announce(params.agent_id, change, call);
      },
    }),
    operation({
      id: 'configs.rollback',
      summary: 'Make an old version of the database layer the newest',
      kind: 'unary',
      effect: 'write',
      permission: 'configs:write',
      scope: 'agent',
      rest: {
        method: 'POST',
        path: '/agents/{agent_id}/config/rollback',
        etag: true,
        tag: 'configs',
      },
      params: AgentParams,
      query: Type.Object({ reason: Reason }),
      body: RollbackBody,
      output: Answer,
      run: async ({ params, query, body, ifMatch }, call) => {
        const change = await configs.rollback(call.db, agentScope(params.agent_id), {
          version: body.version,
          ...writeOf(call, query, ifMatch),
        });
        return announce(params.agent_id, change, call, { restored: body.version });
      },
    }),
    ...lookingOperations({
      ...options,
      id: 'configs',
      path: '/agents/{agent_id}/config',
      params: AgentParams,
      whose: 'an agent',
      scope: 'agent',
      refOf: ({ agent_id }) => agentScope(agent_id),
    }),
    operation({
      id: 'configs.schema',
      summary: 'What a layer of an agent may hold, as JSON Schema',
      kind: 'unary',
      effect: 'read',
      permission: 'configs:read',
      scope: 'agent',
      agentOwn: 'agent_id',
      rest: { method: 'GET', path: '/agents/{agent_id}/config/schema', tag: 'configs' },
      params: AgentParams,
      output: JsonObject,
      run: ({ params }, call) => configs.schema(call.db, params.agent_id),
    }),
    operation({
      id: 'configs.fleet.schema',
      summary: 'What every layer may hold, as JSON Schema; agents have keys of their own beside it',
      kind: 'unary',
      effect: 'read',
      permission: 'configs:read',
      scope: 'reach',
      rest: { method: 'GET', path: '/config/schema', tag: 'configs' },
      output: JsonObject,
      run: async () => wholeSchema(null, 'agents'),
    }),
    ...runtimeOperations(options),
    ...layerOperations({
      ...options,
      id: 'configs.fleet',
      path: '/config',
      params: Type.Object({}),
      whose: 'the fleet',
      refOf: () => FLEET,
    }),
    ...layerOperations({
      ...options,
      id: 'configs.environment',
      path: '/environments/{environment}/config',
      params: Type.Object({
        environment: Type.Enum([...ENVIRONMENTS]),
      }),
      whose: 'an environment (OPMAS_ENV)',
      refOf: ({ environment }) => environmentScope(environment),
    }),
    ...groupsOperations(options),
    ...draftsOperations(options),
  ];
}
