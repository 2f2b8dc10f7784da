/** The API of agents as resources; commands are in lifecycle. */
import { AGENT_STATUSES, Agent, AgentId, DESIRED, Page, Type } from '@opmas/protocol';
import { OpmasError } from '../../kernel/errors.ts';
import { pageQuery } from '../../kernel/paging.ts';
import { type Operation, operation } from '../../operation.ts';
import type { AgentsService } from './agents.service.ts';

export const AgentParams = Type.Object({ agent_id: AgentId });

const AgentChange = Type.Object(
  {
    name: Type.Optional(Type.String({ maxLength: 64 })),
    description: Type.Optional(Type.String({ maxLength: 2_048 })),
    tags: Type.Optional(
      Type.Array(Type.String({ minLength: 1, maxLength: 64 }), { maxItems: 32, uniqueItems: true }),
    ),
    desired: Type.Optional(Type.Enum([...DESIRED])),
    limits: Type.Optional(
      Type.Object(
        {
          memory_bytes: Type.Optional(Type.Integer({ minimum: 1_048_576 })),
          cpus: Type.Optional(Type.Number({ exclusiveMinimum: 0, maximum: 1_024 })),
        },
        { additionalProperties: false },
      ),
    ),
    replicas: Type.Optional(Type.Integer({ minimum: 1, maximum: 1 })),
  },
  { additionalProperties: false },
);

export function agentsOperations(agents: AgentsService): Operation[] {
  return [
    operation({
      id: 'agents.list',
      summary: 'List agents by name',
      kind: 'unary',
      effect: 'read',
      permission: 'agents:read',
      scope: 'reach',
      rest: { method: 'GET', path: '/agents', tag: 'agents' },
      query: Type.Object({
        ...pageQuery,
        status: Type.Optional(Type.Enum([...AGENT_STATUSES])),
        type: Type.Optional(Type.String({ maxLength: 64 })),
        tag: Type.Optional(Type.String({ maxLength: 64 })),
        q: Type.Optional(Type.String({ minLength: 1, maxLength: 128 })),
      }),
      output: Page(Agent),
      run: ({ query }, call) => agents.list(call.db, query, call.reach),
    }),
    operation({
      id: 'agents.get',
      summary: 'One agent',
      kind: 'unary',
      effect: 'read',
      permission: 'agents:read',
      scope: 'agent',
      agentOwn: 'agent_id',
      rest: { method: 'GET', path: '/agents/{agent_id}', tag: 'agents' },
      params: AgentParams,
      output: Agent,
      run: ({ params }, call) => agents.find(call.db, params.agent_id),
    }),
    operation({
      id: 'agents.update',
      summary: 'Change description, tags, limits, or whether it shall run',
      kind: 'unary',
      effect: 'write',
      permission: 'agents:write',
      scope: 'agent',
      rest: { method: 'PUT', path: '/agents/{agent_id}', tag: 'agents' },
      params: AgentParams,
      body: AgentChange,
      output: Agent,
      run: async ({ params, body }, call) => {
        const before = await agents.lock(call.db, params.agent_id);
        if (before.status === 'removed') {
          throw new OpmasError('OPMAS_ILLEGAL_TRANSITION', `${before.name} was removed`);
        }
        if (body.name !== undefined && body.name !== before.name) {
          throw new OpmasError(
            'OPMAS_CONFLICT',
            `The name is the package's AGENT_NAME (${before.name}); change it there`,
          );
        }
        const desired = body.desired;
        await agents.change(
          call.db,
          params.agent_id,
          {
            ...(desired === undefined ? {} : { desired }),
            bump:
              (desired !== undefined && desired !== before.desired) || body.limits !== undefined,
            set: {
              ...(body.description === undefined ? {} : { description: body.description }),
              ...(body.tags === undefined ? {} : { tags: body.tags }),
              ...(body.limits === undefined ? {} : { limits: JSON.stringify(body.limits) }),
            },
          },
          { caller: call.caller },
        );
        call.audit({ object: params.agent_id, details: { ...body } });
        return agents.find(call.db, params.agent_id);
      },
    }),
  ];
}
