/** The API of runtime configurations: small changes to one agent that hold at once, and for a time. */
import { AgentId, type ConfigLayer, JsonObject, Type } from '@opmas/protocol';
import { type Operation, operation } from '../../operation.ts';
import type { ConfigsService } from './configs.service.ts';
import { announceLayer, writeOf } from './layers.operations.ts';
import { configLimits } from './limits.ts';
import { ChangedLayer, Layer, Reason, ValidationAnswer } from './schemas.ts';
import { runtimeScope } from './scopes.ts';

const AgentParams = Type.Object({ agent_id: AgentId });
const PATH = '/agents/{agent_id}/config/runtime';

export function runtimeOperations(options: {
  configs: ConfigsService;
  pushConfig: () => void;
}): Operation[] {
  const { configs, pushConfig } = options;
  const common = { kind: 'unary', scope: 'agent', params: AgentParams } as const;
  return [
    operation({
      ...common,
      id: 'configs.runtime.get',
      summary: 'The runtime layer of an agent',
      effect: 'read',
      permission: 'configs:read',
      rest: { method: 'GET', path: PATH, etag: true, tag: 'configs' },
      output: Layer,
      run: ({ params }, call) => configs.layer(call.db, runtimeScope(params.agent_id)),
    }),
    operation({
      ...common,
      id: 'configs.runtime.put',
      summary: 'Set log level, intervals, or rules on and off, over everything else, for a time',
      effect: 'write',
      permission: 'configs:write',
      rest: { method: 'PUT', path: PATH, etag: true, tag: 'configs' },
      query: Type.Object({
        reason: Reason,
        expires_in: Type.Optional(
          Type.Integer({ minimum: 1, maximum: configLimits.runtimeSeconds }),
        ),
      }),
      body: JsonObject,
      output: ChangedLayer,
      run: async ({ params, query, body, ifMatch }, call) => {
        const change = await configs.replace(call.db, runtimeScope(params.agent_id), {
          document: body as ConfigLayer,
          ...writeOf(call, query, ifMatch),
          expiresIn: query.expires_in,
        });
        return announceLayer(change, call, pushConfig);
      },
    }),
    operation({
      ...common,
      id: 'configs.runtime.validate',
      summary:
        'What a new runtime layer of an agent would change, and whether it is valid; nothing is stored',
      effect: 'read',
      permission: 'configs:write',
      rest: { method: 'POST', path: `${PATH}/validate`, tag: 'configs' },
      body: JsonObject,
      output: ValidationAnswer,
      run: ({ params, body }, call) =>
        configs.validate(call.db, runtimeScope(params.agent_id), body as ConfigLayer),
    }),
    operation({
      ...common,
      id: 'configs.runtime.delete',
      summary: 'End the runtime layer of an agent',
      effect: 'write',
      permission: 'configs:write',
      rest: { method: 'DELETE', path: PATH, etag: true, status: 200, tag: 'configs' },
      query: Type.Object({ reason: Reason }),
      output: ChangedLayer,
      run: async ({ params, query, ifMatch }, call) => {
        const change = await configs.replace(call.db, runtimeScope(params.agent_id), {
          document: {},
          ...writeOf(call, query, ifMatch),
        });
        return announceLayer(change, call, pushConfig);
      },
    }),
    operation({
      ...common,
      id: 'configs.runtime.keep',
      summary: 'Make the runtime layer permanent: a part of the agent’s own',
      effect: 'write',
      permission: 'configs:write',
      rest: { method: 'POST', path: `${PATH}/keep`, tag: 'configs' },
      query: Type.Object({ reason: Reason }),
      output: ChangedLayer,
      run: async ({ params, query }, call) => {
        const { own } = await configs.keepRuntime(
          call.db,
          params.agent_id,
          writeOf(call, query, undefined),
        );
        return announceLayer(own, call, pushConfig, { kept: true });
      },
    }),
  ];
}
